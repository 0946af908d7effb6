/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_admission.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

enum {
	LEVELS = 3,
	NETWORK_LEVEL = 1,
};

/* Bytes of a prefix: /16, /24, /32 and /32, /48, /64. */
static size_t
prefix_bytes(uint8_t family, size_t level)
{
	return family == 4 ? 2 + level : 4 + 2 * level;
}

static bool
is_same_prefix(const struct netaddr *a, const struct netaddr *b, size_t level)
{
	return netaddr_is_same_prefix(a, b, prefix_bytes(a->family, level));
}

struct admission_limits
admission_limits_of(const struct settings *settings)
{
	return (struct admission_limits){
		.places = (size_t)settings->max_connections,
		.per_client = (size_t)settings->rate_client,
	};
}

bool
admission_is_trusted(
    const struct settings *settings, const struct netaddr *peer)
{
	static const uint8_t own[4] = { 127, 0, 0, 1 };

	if (netaddr_is_loopback(peer) &&
	    (peer->family == 6 || memcmp(peer->bytes, own, sizeof(own)) == 0))
		return true;
	return network_list_contains(&settings->mynetworks, peer);
}

static bool
holds_place(const struct server_child *child)
{
	return child->is_busy && !child->is_leaving;
}

/* Strangers among the places, by address: those who can be asked to go. */
struct crowd {
	size_t count;
	const struct server_child **items;
};

static int
compare(const void *a, const void *b)
{
	const struct server_child *const *left = a, *const *right = b;
	int order = (*left)->peer.family - (*right)->peer.family;

	if (order == 0)
		order = memcmp((*left)->peer.bytes, (*right)->peer.bytes, 16);
	return order;
}

static struct crowd
crowd_gather(const struct server_children *children, bool has_mail)
{
	struct crowd crowd = { 0, NULL };

	crowd.items = alloc_zero(children->count + 1, sizeof(*crowd.items));
	for (size_t i = 0; i < children->count; i++) {
		const struct server_child *child = &children->items[i];

		if (holds_place(child) && !child->is_trusted &&
		    !child->is_logged_in && child->has_mail == has_mail)
			crowd.items[crowd.count++] = child;
	}
	qsort(crowd.items, crowd.count, sizeof(*crowd.items), compare);
	return crowd;
}

/* The largest run with one prefix; it is sorted. */
static struct crowd
crowd_largest(struct crowd crowd, size_t level)
{
	struct crowd best = { 0, crowd.items };
	size_t start = 0;

	for (size_t i = 1; i <= crowd.count; i++) {
		if (i < crowd.count && is_same_prefix(&crowd.items[i]->peer,
					   &crowd.items[start]->peer, level))
			continue;
		if (i - start > best.count) {
			best.items = crowd.items + start;
			best.count = i - start;
		}
		start = i;
	}
	return best;
}

/* Places of one network, whoever holds them. */
static size_t
count_network(const struct server_children *children,
    const struct netaddr *peer, size_t level)
{
	size_t n = 0;

	for (size_t i = 0; i < children->count; i++) {
		const struct server_child *child = &children->items[i];

		if (holds_place(child) && !child->is_trusted &&
		    is_same_prefix(&child->peer, peer, level))
			n++;
	}
	return n;
}

static const struct server_child *
crowd_oldest(struct crowd crowd)
{
	const struct server_child *oldest = crowd.items[0];

	for (size_t i = 1; i < crowd.count; i++)
		if (crowd.items[i]->began < oldest->began)
			oldest = crowd.items[i];
	return oldest;
}

/* Who has to go for the newcomer; NULL: nobody. */
static const struct server_child *
find_victim(struct crowd crowd, const struct server_children *children,
    const struct newcomer *newcomer)
{
	bool is_fair = newcomer->is_trusted;
	const struct server_child *oldest;
	int64_t patience;

	if (crowd.count == 0)
		return NULL;
	oldest = crowd_oldest(crowd);
	for (size_t level = 0; level < LEVELS; level++) {
		crowd = crowd_largest(crowd, level);
		/* One more than the newcomer's would only swap the two. */
		if (!is_same_prefix(
			&crowd.items[0]->peer, &newcomer->peer, level) &&
		    crowd.count >
			1 + count_network(children, &newcomer->peer, level))
			is_fair = true;
	}
	if (is_fair)
		return crowd_oldest(crowd);
	patience =
	    oldest->has_mail ? ADMISSION_PATIENCE_MAIL : ADMISSION_PATIENCE;
	return newcomer->now - oldest->began < patience ? NULL : oldest;
}

static size_t
network_share(const struct admission_limits *limits)
{
	size_t share = limits->places / 4;

	return share > limits->per_client ? share : limits->per_client;
}

static size_t
count_staying(const struct server_children *children)
{
	size_t n = 0;

	for (size_t i = 0; i < children->count; i++)
		if (holds_place(&children->items[i]))
			n++;
	return n;
}

static enum admission
check_shares(const struct admission_limits *limits,
    const struct server_children *children, const struct newcomer *newcomer)
{
	if (newcomer->is_trusted || newcomer->is_proxy ||
	    limits->per_client == 0)
		return ADMISSION_YES;
	if (server_children_count(children, &newcomer->peer) >=
	    limits->per_client)
		return ADMISSION_CLIENT;
	if (limits->places > 0 && count_network(children, &newcomer->peer,
				      NETWORK_LEVEL) >= network_share(limits))
		return ADMISSION_NETWORK;
	return ADMISSION_YES;
}

enum admission
admission_decide(const struct admission_limits *limits,
    const struct server_children *children, const struct newcomer *newcomer,
    size_t *victim)
{
	enum admission admission = check_shares(limits, children, newcomer);
	const struct server_child *child = NULL;
	struct crowd crowd;

	if (admission != ADMISSION_YES || limits->places == 0 ||
	    count_staying(children) < limits->places)
		return admission;
	for (int pass = 0; pass < 2 && child == NULL; pass++) {
		crowd = crowd_gather(children, pass != 0);
		child = find_victim(crowd, children, newcomer);
		alloc_release(crowd.items);
	}
	if (child == NULL)
		return ADMISSION_FULL;
	*victim = (size_t)(child - children->items);
	return ADMISSION_EVICT;
}

bool
admission_is_over(const struct admission_limits *limits,
    const struct server_children *children, const struct server_child *child)
{
	return limits->per_client > 0 && !child->is_trusted &&
	       server_children_count(children, &child->peer) >
		   limits->per_client;
}
