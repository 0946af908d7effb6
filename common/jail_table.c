/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/jail.h"

#include <string.h>

#define MIB (1024ULL * 1024)

/* README.md has this table for people; tests/unit compares the two. A limit
 * on memory is the address space, so it counts mapped libraries as well. */
const struct jail jail_table[] = {
	{
	    .name = "smtpd-session",
	    .account = "_mpsmtp",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .dies_with_parent = true,
	    .memory = 64 * MIB,
	    .cpu = 600,
	    .descriptors = 16,
	},
	{
	    .name = "pop3d-login",
	    .account = "_mplogin",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .dies_with_parent = true,
	    .memory = 64 * MIB,
	    .cpu = 60,
	    .descriptors = 16,
	},
	{
	    .name = "imapd-login",
	    .account = "_mplogin",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .dies_with_parent = true,
	    .memory = 64 * MIB,
	    .cpu = 60,
	    .descriptors = 16,
	},
	{
	    .name = "proxy",
	    .account = "_mpsmtp",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .dies_with_parent = true,
	    .memory = 64 * MIB,
	    .cpu = 10,
	    .descriptors = 16,
	},
	{
	    .name = "tls",
	    .account = "_mptls",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .memory = 128 * MIB,
	    .cpu = 3600,
	    .descriptors = 16,
	},
	/* relay-spawn is not root any more when it starts relay, and relay its
	 * tls-client, so there is no chroot to be had; Landlock leaves no file
	 * either. */
	{
	    .name = "tls-client",
	    .account = "_mprelay",
	    .calls = JAIL_CALLS_PUMP,
	    .paths = JAIL_PATHS_NONE,
	    .memory = 128 * MIB,
	    .cpu = 3600,
	    .descriptors = 16,
	},
	{
	    .name = "auth",
	    .account = "_mpauth",
	    .has_chroot = true,
	    .calls = JAIL_CALLS_READER,
	    .paths = JAIL_PATHS_NONE,
	    .memory = 512 * MIB,
	    .cpu = 20,
	    .descriptors = 16,
	},
	/* What oauth_command runs in. */
	{
	    .name = "auth-command",
	    .account = "_mpauth",
	    .calls = JAIL_CALLS_ANY,
	    .paths = JAIL_PATHS_ANY,
	    .cpu = 60,
	    .file_size = JAIL_UNLIMITED,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 256,
	},
	{
	    .name = "enqueue",
	    .account = "_mpqueue",
	    .calls = JAIL_CALLS_FILER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 256 * MIB,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	{
	    .name = "verify",
	    .account = "_mpverify",
	    .calls = JAIL_CALLS_ADVISER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 256 * MIB,
	    .cpu = 600,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	/* Filter programs, which nobody here wrote, inherit all of this. */
	{
	    .name = "filter",
	    .account = "_mpverify",
	    .calls = JAIL_CALLS_ANY,
	    .paths = JAIL_PATHS_ANY,
	    .cpu = 3600,
	    .file_size = JAIL_UNLIMITED,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 256,
	},
	{
	    .name = "pickup",
	    .account = "_mpqueue",
	    .calls = JAIL_CALLS_SPAWNER,
	    .paths = JAIL_PATHS_ANY,
	    .file_size = JAIL_UNLIMITED,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	{
	    .name = "qmgr",
	    .account = "_mpqueue",
	    .calls = JAIL_CALLS_MANAGER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 1024 * MIB,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 4096,
	},
	{
	    .name = "relay-spawn",
	    .account = "_mprelay",
	    .calls = JAIL_CALLS_SPAWNER,
	    .paths = JAIL_PATHS_ANY,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	/* Beside relay-spawn: relay_token_command inherits all of this. */
	{
	    .name = "relay-outside",
	    .account = "_mprelay",
	    .calls = JAIL_CALLS_ANY,
	    .paths = JAIL_PATHS_ANY,
	    .file_size = JAIL_UNLIMITED,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 1024,
	},
	{
	    .name = "relay",
	    .account = "_mprelay",
	    .calls = JAIL_CALLS_CLIENT,
	    .paths = JAIL_PATHS_NONE,
	    .memory = 256 * MIB,
	    .descriptors = 64,
	},
	/* Within deliver-command, once it has a job without commands. */
	{
	    .name = "deliver",
	    .calls = JAIL_CALLS_FILER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 256 * MIB,
	    .cpu = 3600,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	/* What an alias runs inherits all of this. */
	{
	    .name = "deliver-command",
	    .calls = JAIL_CALLS_ANY,
	    .paths = JAIL_PATHS_ANY,
	    .cpu = 3600,
	    .file_size = JAIL_UNLIMITED,
	    .processes = JAIL_UNLIMITED,
	    .descriptors = 256,
	},
	{
	    .name = "pop3d-mailbox",
	    .calls = JAIL_CALLS_FILER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 1024 * MIB,
	    .cpu = 3600,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	{
	    .name = "imapd-mailbox",
	    .calls = JAIL_CALLS_FILER,
	    .paths = JAIL_PATHS_LISTED,
	    .memory = 2048 * MIB,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 256,
	},
	{
	    .name = "mailq",
	    .account = "_mpqueue",
	    .calls = JAIL_CALLS_MANAGER,
	    .paths = JAIL_PATHS_LISTED,
	    .file_size = JAIL_UNLIMITED,
	    .descriptors = 64,
	},
	{ .name = NULL },
};

const struct jail *
jail_find(const char *name)
{
	for (const struct jail *jail = jail_table; jail->name != NULL; jail++)
		if (strcmp(jail->name, name) == 0)
			return jail;
	return NULL;
}
