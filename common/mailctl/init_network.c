/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <arpa/nameser.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#include "common/mailctl/init.h"
#include "common/netaddr.h"

bool
init_has_dns(const char *domain)
{
	struct __res_state state;
	unsigned char answer[NS_PACKETSZ];
	bool has_answer;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) != 0)
		return false;
	state.retrans = 1;
	state.retry = 1;
	has_answer = res_nquery(&state, domain, ns_c_in, ns_t_mx, answer,
			 sizeof(answer)) >= 0 ||
		     state.res_h_errno == HOST_NOT_FOUND ||
		     state.res_h_errno == NO_DATA;
	res_nclose(&state);
	return has_answer;
}

static uint8_t
mask_bits(const struct sockaddr_in *mask)
{
	uint32_t left = ntohl(mask->sin_addr.s_addr);
	uint8_t bits = 0;

	for (; (left & 0x80000000u) != 0; left <<= 1)
		bits++;
	return bits;
}

static bool
is_private(const struct netaddr *address)
{
	static const char *const blocks[] = { "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16" };
	struct network block;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (network_parse(slice_of(blocks[i]), &block) &&
		    network_contains(&block, address))
			return true;
	return false;
}

static void
add_interface(const struct ifaddrs *interface, struct buf *out)
{
	struct sockaddr_in address, mask;
	struct netaddr base;
	char text[NETADDR_TEXT_SIZE];

	memcpy(&address, interface->ifa_addr, sizeof(address));
	memcpy(&mask, interface->ifa_netmask, sizeof(mask));
	address.sin_addr.s_addr &= mask.sin_addr.s_addr;
	netaddr_from_sockaddr(
	    &base, (const struct sockaddr *)&address, sizeof(address));
	if (is_private(&base))
		buf_add_format(out, "%s%s/%u", out->len > 0 ? " " : "",
		    netaddr_format(&base, text),
		    (unsigned int)mask_bits(&mask));
}

void
init_private_networks(struct buf *out)
{
	struct ifaddrs *first = NULL, *i;

	if (getifaddrs(&first) < 0)
		return;
	for (i = first; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && i->ifa_netmask != NULL &&
		    i->ifa_addr->sa_family == AF_INET &&
		    (i->ifa_flags & IFF_LOOPBACK) == 0)
			add_interface(i, out);
	freeifaddrs(first);
}
