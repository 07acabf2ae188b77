#include <cstdio>

int main() { std::puts("yonder " YONDER_VERSION); }
