/* A layer under a process whose disk fails once: loaded with LD_PRELOAD between the process and libc.
 *
 *   FAILING_FILE=/dir/data.db-wal  what fails, once the file /dir/data.db-wal-fails is there
 *   FAILING_CALL=write|sync        the next write to it, or the next sync of it, answers EIO; those after it work again
 *
 * The call that fails does nothing. It does not see vectored writes, mappings, io_uring, or raw system calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int failed;

static int fails(int fd, const char *call) {
    const char *path = getenv("FAILING_FILE"), *wanted = getenv("FAILING_CALL");
    char trigger[PATH_MAX];
    struct stat here, watched;
    if (!path || !wanted || strcmp(call, wanted)) return 0;
    if (snprintf(trigger, sizeof trigger, "%s-fails", path) >= (int)sizeof trigger) return 0;
    if (access(trigger, F_OK) || fstat(fd, &here) || stat(path, &watched)) return 0;
    if (here.st_dev != watched.st_dev || here.st_ino != watched.st_ino) return 0;
    if (atomic_exchange(&failed, 1)) return 0;
    errno = EIO;
    return 1;
}

ssize_t write(int fd, const void *data, size_t size) {
    return fails(fd, "write") ? -1 : syscall(SYS_write, fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return fails(fd, "write") ? -1 : syscall(SYS_pwrite64, fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return pwrite(fd, data, size, offset); }
int fsync(int fd) { return fails(fd, "sync") ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails(fd, "sync") ? -1 : (int)syscall(SYS_fdatasync, fd); }
