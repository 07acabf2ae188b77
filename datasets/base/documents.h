#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace yonder {

/// A text on disk, split into training, validation and test data. No byte is in two parts.
///
/// A folder's files are documents in the order of their paths: the last ones, as few as hold a
/// tenth of the bytes, are for testing. Where they would hold more than a fifth, the first of them
/// is cut in two so that it is a tenth; a single file is cut near nine tenths, both at a line break
/// if there is one. What then is left for training loses its last twentieth to validation,
/// again at a line break if one is near; this may cut a document in two.
struct Documents {
  std::vector<std::string> train, validation, test;  ///< documents of each part
  std::string checksum;                              ///< of all of it

  /// Reads a file or a folder. FileError if it can't be read or has no text.
  static Documents read(const std::string& path);
};

/// The texts that a process works with, each read once. Copies share what any of them has read, and
/// so do processes that are forked after it.
class Corpora {
 public:
  /// The text at a path. FileError as Documents::read().
  std::shared_ptr<const Documents> operator[](const std::string& path) const;

 private:
  using Texts = std::map<std::string, std::shared_ptr<const Documents>>;
  std::shared_ptr<Texts> texts_ = std::make_shared<Texts>();
};

/// Documents are as good as their room: the number of places that each offers. Those of several
/// documents are numbered through. The documents have to outlive it.
class Rooms {
 public:
  using Size = std::int64_t;  ///< a number of bytes or places

  /// `room` tells how many places a document of so many bytes has.
  template <class F>
  Rooms(const std::vector<std::string>& documents, F&& room) : documents_(documents) {
    for (const std::string& d : documents) ends_.push_back(total() + room(Size(d.size())));
  }
  Size total() const { return ends_.empty() ? 0 : ends_.back(); }  ///< places of all documents

  /// A place within one document.
  struct Place {
    const std::string* document;  ///< the one that offers it
    Size inside;                  ///< number within the document
  };
  /// `number` is below total().
  Place operator[](Size number) const;

 private:
  const std::vector<std::string>& documents_;
  std::vector<Size> ends_;
};

}  // namespace yonder
