/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/job.h"

#include <string.h>

#include "common/limits.h"

#define PRIORITY_BASE     MAIL_PRIORITY_LOWEST
#define VERDICT_FLAGS_ALL (VERDICT_TAKEN_ON | VERDICT_UNTIMED | VERDICT_BEHIND)

static void
user_encode(struct message *message, const struct user *user)
{
	message_put_string(message, user->name);
	message_put_string(message, user->home);
	message_put_string(message, user->mail);
	message_put_u32(message, user->uid);
	message_put_u32(message, user->gid);
	message_put_u8(message, user->is_virtual);
}

static bool
user_decode(struct message *message, struct user *user)
{
	uint32_t uid = 0, gid = 0;
	uint8_t is_virtual = 0;

	message_get_array(message, user->name, sizeof(user->name));
	message_get_array(message, user->home, sizeof(user->home));
	message_get_array(message, user->mail, sizeof(user->mail));
	message_get_u32(message, &uid);
	message_get_u32(message, &gid);
	message_get_u8(message, &is_virtual);
	user->uid = uid;
	user->gid = gid;
	user->is_virtual = is_virtual != 0;
	return !message->failed && is_virtual <= 1;
}

static void
options_encode(struct message *message, const struct mail_options *options)
{
	message_put_u32(message, options->flags);
	message_put_u8(message, (uint8_t)(options->priority - PRIORITY_BASE));
	message_put_u64(message, options->hold_until);
	message_put_u64(message, options->deliver_by);
	message_put_slice(message, options->envelope_id);
}

static bool
options_decode(struct message *message, struct mail_options *options)
{
	uint8_t priority = 0;

	message_get_u32(message, &options->flags);
	message_get_u8(message, &priority);
	message_get_u64(message, &options->hold_until);
	message_get_u64(message, &options->deliver_by);
	message_get_slice(message, &options->envelope_id);
	options->priority = priority + PRIORITY_BASE;
	return !message->failed && mail_options_are_valid(options);
}

static void
recipient_encode(struct message *message, const struct job_recipient *recipient)
{
	message_put_u32(message, recipient->index);
	message_put_u8(message, recipient->kind);
	message_put_slice(message, recipient->address);
	message_put_slice(message, recipient->original);
	message_put_slice(message, recipient->argument);
	message_put_slice(message, recipient->extension);
	message_put_u8(message, recipient->options.notify);
	message_put_slice(message, recipient->options.original);
}

static bool
recipient_decode(struct message *message, struct job_recipient *recipient)
{
	message_get_u32(message, &recipient->index);
	message_get_u8(message, &recipient->kind);
	message_get_slice(message, &recipient->address);
	message_get_slice(message, &recipient->original);
	message_get_slice(message, &recipient->argument);
	message_get_slice(message, &recipient->extension);
	message_get_u8(message, &recipient->options.notify);
	message_get_slice(message, &recipient->options.original);
	return !message->failed && rcpt_options_are_valid(&recipient->options);
}

void
job_encode(struct message *message, const struct job *job)
{
	message_begin(message, JOB);
	message_put_string(message, job->id);
	message_put_u32(message, job->flags);
	message_put_slice(message, job->sender);
	options_encode(message, &job->options);
	message_put_u64(message, job->created);
	message_put_u64(message, job->body_offset);
	message_put_u64(message, job->body_length);
	user_encode(message, &job->user);
	message_put_slice(message, job->domain);
	message_put_slice(message, job->nexthop);
	message_put_u32(message, job->tls_level);
	message_put_slice(message, job->login);
	message_put_slice(message, job->password);
	message_put_u32(message, (uint32_t)job->recipient_count);
	for (size_t i = 0; i < job->recipient_count; i++)
		recipient_encode(message, &job->recipients[i]);
}

static bool
recipients_decode(struct message *message, struct arena *arena, struct job *job)
{
	uint32_t count;

	if (!message_get_u32(message, &count) || count == 0 ||
	    count > JOB_RECIPIENTS_MAX)
		return false;
	job->recipients = arena_alloc(arena, count * sizeof(*job->recipients));
	if (job->recipients == NULL)
		return false;
	job->recipient_count = count;
	for (size_t i = 0; i < count; i++)
		if (!recipient_decode(message, &job->recipients[i]))
			return false;
	return true;
}

bool
job_decode(struct message *message, struct arena *arena, struct job *job)
{
	memset(job, 0, sizeof(*job));
	if (message->type != JOB)
		return false;
	message_get_array(message, job->id, sizeof(job->id));
	message_get_u32(message, &job->flags);
	message_get_slice(message, &job->sender);
	if (!options_decode(message, &job->options))
		return false;
	message_get_u64(message, &job->created);
	message_get_u64(message, &job->body_offset);
	message_get_u64(message, &job->body_length);
	if (!user_decode(message, &job->user))
		return false;
	message_get_slice(message, &job->domain);
	message_get_slice(message, &job->nexthop);
	message_get_u32(message, &job->tls_level);
	message_get_slice(message, &job->login);
	message_get_slice(message, &job->password);
	return !message->failed && recipients_decode(message, arena, job) &&
	       message_end(message);
}

void
verdict_encode(struct message *message, const struct verdict *verdict)
{
	message_begin(message, VERDICT);
	message_put_u32(message, verdict->index);
	message_put_u8(message, (uint8_t)verdict->status);
	message_put_string(message, verdict->code);
	message_put_string(message, verdict->remote);
	message_put_string(message, verdict->text);
	message_put_string(message, verdict->tls);
	message_put_u8(message, verdict->flags);
}

/* What a remote host said ends up in logs and bounces: one printable line. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (!ascii_is_print(*text))
			*text = '?';
}

/* RFC 3463: class 2, 4 or 5, then two numbers of up to three digits. */
static bool
status_code_is_valid(const char *code, char status)
{
	struct slice rest = slice_of(code), part;
	uint64_t number;

	if (code[0] != (status == 'D'      ? '2'
			   : status == 'F' ? '5'
					   : '4') ||
	    code[1] != '.')
		return false;
	rest = slice_from(rest, 2);
	return slice_cut(rest, '.', &part, &rest) &&
	       slice_u64(part, 999, &number) && slice_u64(rest, 999, &number);
}

bool
verdict_decode(struct message *message, struct verdict *verdict)
{
	uint8_t status = 0;

	memset(verdict, 0, sizeof(*verdict));
	if (message->type != VERDICT)
		return false;
	message_get_u32(message, &verdict->index);
	message_get_u8(message, &status);
	message_get_array(message, verdict->code, sizeof(verdict->code));
	message_get_array(message, verdict->remote, sizeof(verdict->remote));
	message_get_array(message, verdict->text, sizeof(verdict->text));
	message_get_array(message, verdict->tls, sizeof(verdict->tls));
	message_get_u8(message, &verdict->flags);
	if (!message_end(message) || verdict->flags > VERDICT_FLAGS_ALL ||
	    (status != 'D' && status != 'F' && status != 'T'))
		return false;
	verdict->status = (char)status;
	if (!status_code_is_valid(verdict->code, verdict->status))
		memcpy(verdict->code,
		    status == 'D'   ? "2.0.0"
		    : status == 'F' ? "5.0.0"
				    : "4.0.0",
		    sizeof("2.0.0"));
	make_printable(verdict->remote);
	make_printable(verdict->text);
	make_printable(verdict->tls);
	return true;
}

void
job_done_encode(struct message *message, const struct job_done *done)
{
	message_begin(message, JOB_DONE);
	message_put_u8(message, done->may_continue);
	message_put_u64(message, done->device);
}

bool
job_done_decode(struct message *message, struct job_done *done)
{
	uint8_t may_continue = 0;

	memset(done, 0, sizeof(*done));
	if (message->type != JOB_DONE)
		return false;
	message_get_u8(message, &may_continue);
	message_get_u64(message, &done->device);
	done->may_continue = may_continue == 1;
	return message_end(message) && may_continue <= 1;
}
