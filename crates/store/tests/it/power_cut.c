/* A layer under a writing process that makes a power cut out of a SIGKILL.
 *
 * What a killed process has written outlives it in the page cache, so a kill alone never shows a missing fsync. This
 * library is loaded with LD_PRELOAD between the process and libc. Before any change of a watched file it appends to an
 * undo log what the change destroys; fsync and fdatasync settle the records of their file, fsync of the directory those
 * of the names in it. After the kill, `power_cut.rs` plays the unsettled records backwards: what is left is what a disk
 * would hold that lost every write nobody had synced. A record is complete before its change is let through, so a torn
 * last record belongs to a change that has not happened.
 *
 *   POWER_CUT_FILES=/dir/data.db  watch that file, its -wal and its -journal; the log is /dir/data.db-undo
 *   POWER_CUT_LIE=1               syncs answer 0 and settle nothing: a disk that lies
 *   POWER_CUT_AT=n                the cut comes by itself just before the n-th change or sync of a watched file
 *
 * Strict where POSIX is: a new file whose directory was not synced is gone, an unlinked one is back. The real sync of a
 * watched file is left out, the page cache is enough here.
 *
 * It does not see stores through a mapping (the WAL index is one, and is rebuilt after a crash), io_uring, stdio, or
 * raw system calls; of other processes that write the same files it knows nothing. What it sees and does not understand
 * for a watched file (vectored writes, fallocate, rename, a shared writable mapping …) stops the process with a
 * message: a layer that misses a write would let a fault pass. O_SYNC counts for nothing, which errs towards loss.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "offsets are passed to the kernel in one register");

enum { DATABASE, WAL, JOURNAL, SLOTS, NOT_WATCHED = -1 };
enum { WRITE = 1, TRUNCATE, CREATE, UNLINK, SETTLE, SETTLE_NAMES };

/* One entry of the undo log, followed by `old_length` bytes. `power_cut.rs` reads the same 48 bytes. */
struct record {
    uint32_t magic, kind, slot, reserved;
    uint64_t offset;        /* WRITE: where; UNLINK: number of the saved file */
    uint64_t length_before; /* of the file */
    uint64_t span;          /* WRITE: bytes to be written; TRUNCATE: the new length */
    uint64_t old_length;
};
static const uint32_t MAGIC = 0x54554350; /* "PCUT" */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int armed, lying, log_fd = -1;
static char directory[PATH_MAX], base[NAME_MAX - 16];
static char names[SLOTS][NAME_MAX], paths[SLOTS][PATH_MAX + 2 * NAME_MAX];
static int unsettled[SLOTS], names_unsettled;
static unsigned long operations, cut_at, saved_files;

static _Noreturn void stop(const char *why) {
    char message[256];
    int length = snprintf(message, sizeof message, "power_cut: %s (errno %d)\n", why, errno);
    syscall(SYS_write, 2, message, (size_t)length);
    abort();
}

__attribute__((constructor)) static void arm(void) {
    const char *path = getenv("POWER_CUT_FILES");
    if (!path) return;
    char copy[PATH_MAX], log_path[PATH_MAX + 2 * NAME_MAX];
    if (path[0] != '/' || strlen(path) >= sizeof copy) stop("POWER_CUT_FILES must be an absolute path");
    strcpy(copy, path);
    char *slash = strrchr(copy, '/');
    if (strlen(slash + 1) >= sizeof base) stop("the file name is too long");
    strcpy(base, slash + 1);
    slash[slash == copy] = 0;
    if (!realpath(copy, directory)) stop("no such directory");
    const char *suffixes[SLOTS] = {"", "-wal", "-journal"};
    for (int slot = 0; slot < SLOTS; slot++) {
        snprintf(names[slot], sizeof names[slot], "%s%s", base, suffixes[slot]);
        snprintf(paths[slot], sizeof paths[slot], "%s/%s%s", directory, base, suffixes[slot]);
    }
    snprintf(log_path, sizeof log_path, "%s/%s-undo", directory, base);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct stat log;
    if (log_fd < 0 || fstat(log_fd, &log)) stop("cannot open the undo log");
    /* An earlier process may have ended with writes that nobody synced: they are still at stake. */
    for (int slot = 0; slot < SLOTS; slot++) unsettled[slot] = log.st_size > 0;
    names_unsettled = log.st_size > 0;
    lying = getenv("POWER_CUT_LIE") != NULL;
    if (getenv("POWER_CUT_AT")) cut_at = strtoul(getenv("POWER_CUT_AT"), NULL, 10);
    armed = 1;
}

/* --- which file is it? By inode, so that dup, several descriptors and other spellings of a path make no difference. */

static int same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int slot_of_fd(int fd, struct stat *file) {
    if (!armed || fstat(fd, file) || !S_ISREG(file->st_mode)) return NOT_WATCHED;
    for (int slot = 0; slot < SLOTS; slot++) {
        struct stat watched;
        if (!stat(paths[slot], &watched) && same_file(file, &watched)) return slot;
    }
    return NOT_WATCHED;
}

static int is_directory_fd(int fd) {
    struct stat here, watched;
    return armed && !fstat(fd, &here) && S_ISDIR(here.st_mode) && !stat(directory, &watched) && same_file(&here, &watched);
}

static int slot_of_path(int at, const char *path) {
    if (!armed || !path || strlen(path) >= PATH_MAX) return NOT_WATCHED;
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int slot = SLOTS - 1;
    while (slot >= 0 && strcmp(name, names[slot])) slot--;
    if (slot < 0) return NOT_WATCHED;
    struct stat here, watched;
    if (slash) snprintf(parent, sizeof parent, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    else strcpy(parent, ".");
    if (fstatat(at, parent, &here, 0) || stat(directory, &watched) || !same_file(&here, &watched)) return NOT_WATCHED;
    return slot;
}

static void refuse_fd(int fd, const char *call) {
    struct stat file;
    if (slot_of_fd(fd, &file) != NOT_WATCHED) stop(call);
}

static void refuse_path(int at, const char *path, const char *call) {
    if (slot_of_path(at, path) != NOT_WATCHED) stop(call);
}

/* --- the undo log; all of it under `lock` */

static void enter(void) {
    pthread_mutex_lock(&lock);
    operations++;
    if (operations == cut_at) syscall(SYS_kill, getpid(), SIGKILL);
}

static void append(struct record record, const void *old) {
    record.magic = MAGIC;
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)old, record.old_length}};
    long wanted = (long)(sizeof record + record.old_length);
    if (syscall(SYS_writev, log_fd, parts, 2) != wanted) stop("cannot append to the undo log");
}

static void note_change(int fd, int slot, uint32_t kind, uint64_t offset, uint64_t length, uint64_t span, uint64_t end) {
    struct record record = {.kind = kind, .slot = (uint32_t)slot, .offset = offset, .length_before = length, .span = span};
    char *old = NULL;
    uint64_t stop_at = end < length ? end : length;
    if (offset < stop_at) {
        record.old_length = stop_at - offset;
        if (!(old = malloc(record.old_length))) stop("out of memory");
        for (uint64_t got = 0; got < record.old_length;) {
            long part = syscall(SYS_pread64, fd, old + got, record.old_length - got, (long)(offset + got));
            if (part <= 0) stop("a watched file must be opened for reading as well");
            got += (uint64_t)part;
        }
    }
    append(record, old);
    free(old);
    unsettled[slot] = 1;
}

static void note_truncate(int fd, int slot, uint64_t length, uint64_t new_length) {
    note_change(fd, slot, TRUNCATE, new_length, length, new_length, length);
}

static void forget_if_all_is_settled(void) {
    int open = names_unsettled;
    for (int slot = 0; slot < SLOTS; slot++) open |= unsettled[slot];
    if (!open && syscall(SYS_ftruncate, log_fd, 0L)) stop("cannot empty the undo log");
}

/* --- writes */

static ssize_t do_write(int fd, const void *data, size_t size, int positioned, off_t offset) {
    struct stat file;
    int slot = slot_of_fd(fd, &file);
    if (slot == NOT_WATCHED)
        return positioned ? syscall(SYS_pwrite64, fd, data, size, offset) : syscall(SYS_write, fd, data, size);
    enter();
    if (fstat(fd, &file)) stop("fstat"); /* again: its length may have changed while we waited */
    /* Linux appends to a file opened with O_APPEND whatever position is given. */
    uint64_t at = (uint64_t)offset;
    if (fcntl(fd, F_GETFL) & O_APPEND) at = (uint64_t)file.st_size;
    else if (!positioned) at = (uint64_t)lseek(fd, 0, SEEK_CUR);
    note_change(fd, slot, WRITE, at, (uint64_t)file.st_size, size, at + size);
    ssize_t written = positioned ? syscall(SYS_pwrite64, fd, data, size, offset) : syscall(SYS_write, fd, data, size);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t write(int fd, const void *data, size_t size) { return do_write(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return do_write(fd, data, size, 1, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return do_write(fd, data, size, 1, offset); }

int ftruncate(int fd, off_t length) {
    struct stat file;
    int slot = slot_of_fd(fd, &file);
    if (slot == NOT_WATCHED) return (int)syscall(SYS_ftruncate, fd, length);
    enter();
    if (fstat(fd, &file)) stop("fstat");
    note_truncate(fd, slot, (uint64_t)file.st_size, (uint64_t)length);
    int result = (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

/* --- syncs */

static int do_sync(int fd, long call) {
    struct stat file;
    int slot = slot_of_fd(fd, &file), names_too = is_directory_fd(fd);
    if (slot == NOT_WATCHED && !names_too) return (int)syscall(call, fd);
    enter();
    if (!lying && names_too) {
        append((struct record){.kind = SETTLE_NAMES}, NULL);
        names_unsettled = 0;
    } else if (!lying) {
        append((struct record){.kind = SETTLE, .slot = (uint32_t)slot}, NULL);
        unsettled[slot] = 0;
    }
    if (!lying) forget_if_all_is_settled();
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) { return do_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

/* --- names */

static int do_open(int at, const char *path, int flags, mode_t mode) {
    int slot = flags & (O_CREAT | O_TRUNC) ? slot_of_path(at, path) : NOT_WATCHED;
    if (slot == NOT_WATCHED) return (int)syscall(SYS_openat, at, path, flags, mode);
    enter();
    struct stat file;
    int exists = !fstatat(at, path, &file, 0);
    if (!exists && flags & O_CREAT) {
        append((struct record){.kind = CREATE, .slot = (uint32_t)slot}, NULL);
        names_unsettled = 1;
    }
    if (exists && flags & O_TRUNC && file.st_size) stop("O_TRUNC on a watched file");
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_unlock(&lock);
    return fd;
}

static int do_unlink(int at, const char *path, int flags) {
    int slot = flags & AT_REMOVEDIR ? NOT_WATCHED : slot_of_path(at, path);
    struct stat file;
    if (slot == NOT_WATCHED || fstatat(at, path, &file, AT_SYMLINK_NOFOLLOW))
        return (int)syscall(SYS_unlinkat, at, path, flags);
    enter();
    char saved[PATH_MAX + 2 * NAME_MAX];
    int failed;
    do {
        saved_files++;
        snprintf(saved, sizeof saved, "%s/%s-undo-%lu", directory, base, saved_files);
        failed = linkat(at, path, AT_FDCWD, saved, 0);
    } while (failed && errno == EEXIST);
    if (failed) stop("cannot keep a file that is unlinked");
    append((struct record){.kind = UNLINK, .slot = (uint32_t)slot, .offset = saved_files}, NULL);
    names_unsettled = 1;
    unsettled[slot] = 0; /* a file of that name begins anew; the old one's records lapse when the names are settled */
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

#define MODE_OF(flags, mode)                                 \
    mode_t mode = 0;                                         \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                 \
        va_list arguments;                                   \
        va_start(arguments, flags);                          \
        mode = va_arg(arguments, mode_t);                    \
        va_end(arguments);                                   \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags, mode) return do_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, mode) return do_open(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags, mode) return do_open(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags, mode) return do_open(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }
int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return do_unlink(at, path, flags); }

/* --- what could change a watched file in a way that the log cannot describe */

ssize_t writev(int fd, const struct iovec *parts, int count) {
    refuse_fd(fd, "writev");
    return syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    refuse_fd(fd, "pwritev");
    return syscall(SYS_pwritev, fd, parts, count, offset, 0L);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return pwritev(fd, parts, count, offset); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
    refuse_fd(fd, "fallocate");
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }
ssize_t sendfile(int out, int in, off_t *offset, size_t size) {
    refuse_fd(out, "sendfile");
    return syscall(SYS_sendfile, out, in, offset, size);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t size) { return sendfile(out, in, offset, size); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    refuse_fd(out, "copy_file_range");
    return syscall(SYS_copy_file_range, in, from, out, to, size, flags);
}
int truncate(const char *path, off_t length) {
    refuse_path(AT_FDCWD, path, "truncate");
    return (int)syscall(SYS_truncate, path, length);
}
int truncate64(const char *path, off64_t length) { return truncate(path, length); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    refuse_path(from_at, from, "rename");
    refuse_path(to_at, to, "rename");
    return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}
int renameat(int from_at, const char *from, int to_at, const char *to) { return renameat2(from_at, from, to_at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }
int remove(const char *path) {
    refuse_path(AT_FDCWD, path, "remove");
    struct stat file;
    int is_directory = !fstatat(AT_FDCWD, path, &file, AT_SYMLINK_NOFOLLOW) && S_ISDIR(file.st_mode);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, is_directory ? AT_REMOVEDIR : 0);
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED) refuse_fd(fd, "a shared writable mapping");
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    return mmap(address, length, protection, flags, fd, offset);
}
