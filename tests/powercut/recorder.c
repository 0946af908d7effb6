/* SPDX-License-Identifier: ISC */
/*
 * recorder - a disk that remembers in which order it was written.
 *
 *     recorder DIRECTORY MEGABYTES LOG
 *
 * mounts a FUSE file system with the file "disk" on DIRECTORY; a loop device
 * over it carries the file system under test. LOG gets packed records: type
 * byte, 64-bit offset, 32-bit length, then that many bytes.
 *
 *     W  bytes were written       F  the device cache was flushed
 *     M  a note of the test: what it wrote to the file "mark"
 *     E  a write that failed: it had DEFECT in it, and is not on the disk
 *
 * One thread answers, so the order is that of the answers. Speaks FUSE's
 * kernel protocol itself; ends when the file system is unmounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEFECT    "merpati-bad-sector"
#define ONE_HOUR  3600
#define WRITE_MAX (1 << 20)

enum node {
	ROOT = 1,
	DISK,
	MARK
};

struct record {
	char type;
	uint64_t offset;
	uint32_t length;
} __attribute__((packed));

struct recorder {
	int fd; /* /dev/fuse */
	FILE *log;
	char *image;
	uint64_t size;
};

/* One request of the kernel. */
struct request {
	struct recorder *recorder;
	const struct fuse_in_header *header;
	const void *body;
};

static void
reply(const struct request *request, int error, const void *body, size_t size)
{
	struct fuse_out_header header = {
		.error = -error,
		.unique = request->header->unique,
	};
	struct iovec parts[2] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)body, size },
	};
	int count = error != 0 || size == 0 ? 1 : 2;

	header.len = (uint32_t)(sizeof(header) + (count == 2 ? size : 0));
	if (writev(request->recorder->fd, parts, count) < 0 && errno != ENOENT)
		perror("recorder: reply");
}

static void
put_record(FILE *log, struct record record, const char *bytes)
{
	if (fwrite(&record, sizeof(record), 1, log) != 1 ||
	    fwrite(bytes, 1, record.length, log) != record.length) {
		perror("recorder: log");
		exit(1);
	}
}

static void
attributes(
    const struct recorder *recorder, uint64_t node, struct fuse_attr *out)
{
	memset(out, 0, sizeof(*out));
	out->ino = node;
	out->nlink = 1;
	out->blksize = 4096;
	out->mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0600;
	if (node == DISK) {
		out->size = recorder->size;
		out->blocks = recorder->size / 512;
	}
}

static void
answer_init(const struct request *request)
{
	const struct fuse_init_in *in = request->body;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_readahead = in->max_readahead,
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
		.max_background = 16,
		.max_write = WRITE_MAX,
		.max_pages = 256,
		.time_gran = 1,
	};

	reply(request, 0, &out, sizeof(out));
}

static void
answer_lookup(const struct request *request)
{
	struct fuse_entry_out out = {
		.attr_valid = ONE_HOUR,
		.entry_valid = ONE_HOUR,
	};
	const char *name = request->body;

	if (strcmp(name, "disk") == 0)
		out.nodeid = DISK;
	else if (strcmp(name, "mark") == 0)
		out.nodeid = MARK;
	attributes(request->recorder, out.nodeid, &out.attr);
	reply(request, out.nodeid == 0 ? ENOENT : 0, &out, sizeof(out));
}

static void
answer_attributes(const struct request *request)
{
	struct fuse_attr_out out = { .attr_valid = ONE_HOUR };

	attributes(request->recorder, request->header->nodeid, &out.attr);
	reply(request, 0, &out, sizeof(out));
}

static void
answer_open(const struct request *request)
{
	struct fuse_open_out out = {
		.fh = request->header->nodeid,
		.open_flags = request->header->nodeid == MARK
				  ? FOPEN_DIRECT_IO
				  : FOPEN_KEEP_CACHE,
	};

	reply(request, 0, &out, sizeof(out));
}

static void
answer_read(const struct request *request)
{
	const struct recorder *recorder = request->recorder;
	const struct fuse_read_in *in = request->body;
	size_t size = in->size;

	if (request->header->nodeid != DISK || in->offset >= recorder->size)
		size = 0;
	else if (in->offset + size > recorder->size)
		size = (size_t)(recorder->size - in->offset);
	reply(request, 0, recorder->image + in->offset, size);
}

static void
answer_write(const struct request *request)
{
	struct recorder *recorder = request->recorder;
	const struct fuse_write_in *in = request->body;
	const char *bytes = (const char *)(in + 1);
	struct fuse_write_out out = { .size = in->size };
	struct record record = { 'M', in->offset, in->size };

	if (request->header->nodeid == DISK) {
		record.type =
		    memmem(bytes, in->size, DEFECT, sizeof(DEFECT) - 1) == NULL
			? 'W'
			: 'E';
		if (in->offset + in->size > recorder->size)
			record.type = 'E';
	}
	if (record.type == 'W')
		memcpy(recorder->image + in->offset, bytes, in->size);
	put_record(recorder->log, record, bytes);
	reply(request, record.type == 'E' ? EIO : 0, &out, sizeof(out));
}

static void
answer_flush(const struct request *request)
{
	struct record record = { 'F', 0, 0 };

	if (request->header->nodeid == DISK)
		put_record(request->recorder->log, record, "");
	reply(request, 0, NULL, 0);
}

static void
answer_space(const struct request *request)
{
	struct fuse_statfs_out out = { .st = {
					   .bsize = 4096, .namelen = 255 } };

	reply(request, 0, &out, sizeof(out));
}

static void
answer_done(const struct request *request)
{
	reply(request, 0, NULL, 0);
}

static void
answer_nothing(const struct request *request)
{
	(void)request;
}

static const struct {
	uint32_t opcode;
	void (*answer)(const struct request *);
} answers[] = {
	{ FUSE_INIT, answer_init },
	{ FUSE_LOOKUP, answer_lookup },
	{ FUSE_GETATTR, answer_attributes },
	{ FUSE_SETATTR, answer_attributes },
	{ FUSE_OPEN, answer_open },
	{ FUSE_OPENDIR, answer_open },
	{ FUSE_READ, answer_read },
	{ FUSE_WRITE, answer_write },
	{ FUSE_FSYNC, answer_flush },
	{ FUSE_STATFS, answer_space },
	{ FUSE_FLUSH, answer_done },
	{ FUSE_RELEASE, answer_done },
	{ FUSE_RELEASEDIR, answer_done },
	{ FUSE_ACCESS, answer_done },
	{ FUSE_FORGET, answer_nothing },
	{ FUSE_BATCH_FORGET, answer_nothing },
	{ FUSE_INTERRUPT, answer_nothing },
};

static void
answer(struct recorder *recorder, const char *bytes)
{
	struct request request = {
		.recorder = recorder,
		.header = (const void *)bytes,
		.body = bytes + sizeof(struct fuse_in_header),
	};
	size_t i = 0, count = sizeof(answers) / sizeof(answers[0]);

	while (i < count && answers[i].opcode != request.header->opcode)
		i++;
	if (i < count)
		answers[i].answer(&request);
	else
		reply(&request, ENOSYS, NULL, 0);
}

static int
attach(struct recorder *recorder, const char *directory)
{
	char options[100];

	recorder->image = mmap(NULL, recorder->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	recorder->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (recorder->image == MAP_FAILED || recorder->fd < 0 ||
	    recorder->log == NULL) {
		perror("recorder");
		return 1;
	}
	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=40000,user_id=0,group_id=0", recorder->fd);
	if (mount("recorder", directory, "fuse", 0, options) < 0) {
		perror("recorder: mount");
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static char bytes[WRITE_MAX + 65536];
	struct recorder recorder = { .fd = -1 };
	ssize_t n;

	if (argc != 4) {
		fprintf(stderr, "usage: recorder DIRECTORY MEGABYTES LOG\n");
		return 64;
	}
	recorder.size = strtoull(argv[2], NULL, 10) << 20;
	recorder.log = fopen(argv[3], "w");
	if (attach(&recorder, argv[1]) != 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		n = read(recorder.fd, bytes, sizeof(bytes));
		if (n > 0)
			answer(&recorder, bytes);
		else if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			break;
	}
	return fclose(recorder.log) == 0 ? 0 : 1;
}
