#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace yonder {

/// A text on disk, split into training, validation and test data. No byte is in two parts.
///
/// A folder's files are documents in the order of their paths. The test part is the fewest last
/// ones that hold a tenth of the bytes; if these held more than a fifth, the first of them is cut
/// so that the part is a tenth. A single file is cut near nine tenths. Validation is the last
/// twentieth of the remainder, which may cut a document in two. Every cut is at a line break if one
/// is near.
struct Documents {
  std::vector<std::string> train, validation, test;  ///< documents of each part
  std::string checksum;                              ///< of all parts

  /// Reads a file or a folder. Throws FileError if it can't be read or has no text.
  static Documents read(const std::string& path);
};

/// The texts of a process, each read once. Copies share what any of them has read, and so do
/// processes forked afterwards.
class Corpora {
 public:
  /// The text at a path. Throws FileError like Documents::read().
  std::shared_ptr<const Documents> operator[](const std::string& path) const;

 private:
  using Texts = std::map<std::string, std::shared_ptr<const Documents>>;
  std::shared_ptr<Texts> texts_ = std::make_shared<Texts>();
};

/// Slots of several documents, numbered consecutively; the size of a document determines how many
/// it has. The documents must outlive this object.
class Slots {
 public:
  using Size = std::int64_t;  ///< a number of bytes or slots

  /// `room` returns the number of slots of a document with that many bytes.
  template <class F>
  Slots(const std::vector<std::string>& documents, F&& room) : documents_(documents) {
    for (const std::string& d : documents) ends_.push_back(total() + room(Size(d.size())));
  }
  Size total() const { return ends_.empty() ? 0 : ends_.back(); }  ///< slots of all documents

  /// A slot within one document.
  struct Place {
    const std::string* document;  ///< the one that contains it
    Size inside;                  ///< index within the document
  };
  /// Slot `number`, below total().
  Place operator[](Size number) const;

 private:
  const std::vector<std::string>& documents_;
  std::vector<Size> ends_;
};

}  // namespace yonder
