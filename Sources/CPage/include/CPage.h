#ifndef PRISM_PAGE_H
#define PRISM_PAGE_H

#include <stddef.h>

/// A file of the page, which is part of the program.
struct page_file {
  const char *name;
  const unsigned char *bytes;
  size_t count;
};

/// The number of files.
size_t page_file_count(void);

/// A file, by a number below `page_file_count()`.
struct page_file page_file_at(size_t index);

#endif
