#include "core/io/control_groups.h"
#include "core/io/cpu_quota.h"

#include "tests/support/catch.h"

#include "tests/support/binary.h"

using namespace yonder;

namespace {

// A machine with the control groups that a test defines.
struct Machine {
  Folder root;
  explicit Machine(const std::string& groups_of_this_process) {
    add("proc/self/cgroup", groups_of_this_process);
  }
  void add(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(root / path).parent_path());
    put(root / path, content);
  }
  int quota() const { return cpu_quota(root.path); }
  double memory() const { return memory_left(root.path); }
};

}  // namespace

TEST_CASE("without control groups or without a limit, all processors may be used") {
  const Folder empty;
  CHECK(cpu_quota(empty.path) == 0);
  const Machine machine("0::/user.slice/job\n");
  CHECK(machine.quota() == 0);
  machine.add("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
  CHECK(machine.quota() == 0);
}

TEST_CASE("a quota counts as a whole number of processors, at least one") {
  const Machine machine("0::/job\n");
  const std::string file = "sys/fs/cgroup/job/cpu.max";
  for (const auto& [text, processors] : {std::pair{"100000 100000\n", 1},
                                         {"10000 100000\n", 1},
                                         {"150000 100000\n", 2},
                                         {"400000 100000\n", 4},
                                         {"25000 5000\n", 5}}) {
    machine.add(file, text);
    CHECK(machine.quota() == processors);
  }
}

TEST_CASE("the smallest quota of a group and its ancestors counts") {
  const Machine machine("0::/a/b/c\n");
  machine.add("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  CHECK(machine.quota() == 8);
  machine.add("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  CHECK(machine.quota() == 3);
  machine.add("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(machine.quota() == 3);
  machine.add("sys/fs/cgroup/a/other/cpu.max", "100000 100000\n");
  CHECK(machine.quota() == 3);
}

TEST_CASE("a container that sees its own group as the root is limited by it") {
  // With the host's names in /proc, with its own, and from outside the namespace.
  for (const char* group : {"0::/docker/1f2e\n", "0::/\n", "0::/../other\n"}) {
    const Machine machine(group);
    machine.add("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(machine.quota() == 2);
  }
}

TEST_CASE("control groups of version 1 apply, each controller with its own group") {
  const Machine machine("5:memory:/m\n4:cpuset:/s\n3:cpu,cpuacct:/a/b\n1:name=systemd:/x\n0::/\n");
  const std::string groups = "sys/fs/cgroup/";
  machine.add(groups + "cpu/a/b/cpu.cfs_quota_us", "-1\n");
  machine.add(groups + "cpu/a/b/cpu.cfs_period_us", "100000\n");
  machine.add(groups + "cpu/s/cpu.cfs_quota_us", "100000\n");
  machine.add(groups + "cpu/s/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 0);
  machine.add(groups + "cpu/a/cpu.cfs_quota_us", "250000\n");
  machine.add(groups + "cpu/a/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 3);
}

TEST_CASE("a quota that cannot be parsed is ignored") {
  for (const char* text : {"", "\n", "many\n", "0 0\n", "100000 0\n", "-5 100000\n"}) {
    const Machine machine("no groups here\n0::/\n");
    machine.add("sys/fs/cgroup/cpu.max", text);
    CHECK(machine.quota() == 0);
  }
}

TEST_CASE("free memory is the least that a group and its ancestors have left, in version 2") {
  const Machine machine("0::/a/b\n");
  machine.add("proc/meminfo", "MemTotal: 900 kB\nMemAvailable:     500 kB\n");
  CHECK(machine.memory() == 512000);
  machine.add("sys/fs/cgroup/a/b/memory.max", "max\n");
  machine.add("sys/fs/cgroup/a/b/memory.current", "5000\n");
  CHECK(machine.memory() == 512000);
  machine.add("sys/fs/cgroup/a/memory.max", "200000\n");
  machine.add("sys/fs/cgroup/a/memory.current", "150000\n");
  CHECK(machine.memory() == 50000);
  machine.add("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 30000\n");
  CHECK(machine.memory() == 80000);
  machine.add("sys/fs/cgroup/a/b/memory.max", "40000\n");
  CHECK(machine.memory() == 35000);
}

TEST_CASE("free memory is the least that a group and its ancestors have left, in version 1") {
  const Machine machine("5:memory:/m/n\n3:cpu,cpuacct:/a\n0::/\n");
  machine.add("proc/meminfo", "MemAvailable: 500 kB\n");
  const std::string groups = "sys/fs/cgroup/memory/m/";
  machine.add(groups + "n/memory.limit_in_bytes", "9223372036854771712\n");
  machine.add(groups + "n/memory.usage_in_bytes", "7000\n");
  CHECK(machine.memory() == 512000);
  machine.add(groups + "memory.limit_in_bytes", "100000\n");
  machine.add(groups + "memory.usage_in_bytes", "90000\n");
  machine.add(groups + "memory.stat", "cache 5\ntotal_inactive_file 2000\n");
  CHECK(machine.memory() == 12000);
}
