/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/answers.h"

/* The rules for all hosts come last: the first that matches counts. A text
 * that is "defer" is known to be said for what passes. */
static const char *const rules[] = {
	"# Google",
	"*.google.com 4* \"*4.7.28*\" slow 30m : Google takes less "
	"mail from us for a while (rate limit); it is sent slowly "
	"until then",
	"*.google.com 421 \"*4.7.0*\" slow 15m : Google finds our "
	"sending unusual; it is sent slowly; check SPF, DKIM and the "
	"PTR record",
	"*.google.com 550 \"*5.7.26*\" : Google wants SPF or DKIM for "
	"our domain and found neither; set them up in the DNS",
	"*.google.com 550 \"*5.7.25*\" : our address has no PTR "
	"record, or it does not point back; ask the provider of the "
	"address",
	"*.google.com 550 \"*5.7.1*\" : Google takes this message for "
	"spam; look at its content and at our reputation in Postmaster "
	"Tools",
	"*.google.com 452 \"*4.2.2*\" : the mailbox is full; only its "
	"owner can help",
	"*.google.com 550 \"*5.1.1*\" : there is no such mailbox",
	"# Microsoft",
	"*.outlook.com 421 \"*RP-00*\" slow 30m : Microsoft limits the "
	"rate of our address because of its reputation; it is sent "
	"slowly",
	"*.outlook.com 4* \"*4.7.500*\" slow 30m : Microsoft is busy "
	"or limits our rate; it is sent slowly",
	"*.outlook.com 4* \"*4.7.65*\" slow 30m : Microsoft limits our "
	"address; it is sent slowly",
	"*.outlook.com 550 \"*S3140*\" : Microsoft blocks the network "
	"of our address; ask for its removal at sender.office.com",
	"*.outlook.com 550 \"*S3150*\" : Microsoft blocks our address; "
	"ask for its removal at sender.office.com",
	"*.outlook.com 550 \"*5.7.606*\" : Microsoft blocks our "
	"address; ask for its removal at sender.office.com",
	"*.outlook.com 550 \"*5.4.1*\" : there is no such mailbox, or "
	"its domain does not take mail from outside",
	"*.outlook.com 452 \"*4.5.3*\" slow 5m : too many recipients "
	"at once; it is sent slowly",
	"# Yahoo, AOL",
	"*.yahoodns.net 421 \"*TSS04*\" slow 1h : Yahoo has complaints "
	"or sees too much mail from us; it is sent slowly",
	"*.yahoodns.net 421 \"*TSS09*\" slow 2h : Yahoo has put off "
	"our mail for its reputation; look at what its users complain "
	"about",
	"*.yahoodns.net 4* \"*TSS*\" slow 1h : Yahoo limits our rate; "
	"it is sent slowly",
	"*.yahoodns.net 553 \"*BL2*\" : our address is on a block list "
	"that Yahoo uses",
	"# Apple",
	"*.icloud.com 4* \"*CS01*\" slow 30m : Apple limits our rate; "
	"it is sent slowly",
	"*.icloud.com 550 \"*CS01*\" : Apple refuses our mail by its "
	"policy; check SPF, DKIM and our reputation",
	"# GMX, web.de, 1&1",
	"*.gmx.net 421 \"*\" slow 15m : GMX takes no more from us for "
	"now; it is sent slowly",
	"*.gmx.net 554 \"*No SMTP service*\" : GMX does not accept "
	"mail from our address: its PTR record, or its reputation",
	"*.web.de 554 \"*No SMTP service*\" : web.de does not accept "
	"mail from our address: its PTR record, or its reputation",
	"*.kundenserver.de 421 \"*\" slow 15m : too many connections "
	"at once; it is sent slowly",
	"# T-Online",
	"*.t-online.de 554 \"*\" : T-Online wants to know a host "
	"before it takes mail: a PTR record, an imprint, and a mail to "
	"tosa@rx.t-online.de",
	"# mail.ru, Yandex",
	"*.mail.ru 4* \"*too many*\" slow 30m : mail.ru limits our "
	"rate; it is sent slowly",
	"*.mail.ru 550 \"*spam*\" : mail.ru takes it for spam; see its "
	"postmaster pages",
	"*.yandex.* 4* \"*try again later*\" slow 30m : Yandex limits "
	"our rate; it is sent slowly",
	"# Everybody",
	"* 4* \"*greylist*\" : the host tests whether we try again; "
	"nothing is to be done",
	"* 4* \"*grey-list*\" : the host tests whether we try again; "
	"nothing is to be done",
	"* 4* \"*graylist*\" : the host tests whether we try again; "
	"nothing is to be done",
	"* 4* \"*rate limit*\" slow 10m : the host limits our rate; it "
	"is sent slowly",
	"* 4* \"*too many connections*\" slow 5m : the host wants "
	"fewer connections; it gets one at a time",
	"* 4* \"*too many messages*\" slow 15m : the host wants fewer "
	"messages; it is sent slowly",
	"* 5* \"*too many connections*\" defer slow 10m : the host "
	"wants fewer connections; it gets one at a time, later",
	"* 5* \"*rate limit*\" defer slow 30m : the host limits our "
	"rate; it is sent slowly, later",
	"* 5* \"*spamhaus*\" : our address is on a list of Spamhaus; "
	"see check.spamhaus.org why, mend it, and ask for removal",
	"* 5* \"*spamcop*\" : our address is on the list of SpamCop; "
	"it ends by itself when the reports end",
	"* 5* \"*barracuda*\" : our address is on the list of "
	"Barracuda; see barracudacentral.org",
	"* 5* \"*block*list*\" : our address is on a block list; the "
	"answer says which",
	"* 5* \"*rdns*\" : our address has no PTR record, or it does "
	"not point back",
	"* 5* \"*reverse dns*\" : our address has no PTR record, or it "
	"does not point back",
	"* 5* \"*DMARC*\" : the domain in From: forbids it: SPF or "
	"DKIM does not agree with it",
	"* 5* \"*SPF*\" : our address is not in the SPF record of the "
	"sender's domain",
	"* 5* \"*5.1.1*\" : there is no such mailbox",
	"* 5* \"*5.2.2*\" : the mailbox is full",
	"* 4* \"*4.2.2*\" : the mailbox is full; only its owner can "
	"help",
	"* 552 \"*\" : the message or the mailbox is too large",
	"* 5* \"*5.3.4*\" : the message is too large for that host",
	"* 5* \"*5.7.1*\" : the host refuses it by its policy; its "
	"answer is all that is known",
};

void
answers_default_text(struct buf *out)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		buf_add_format(out, "%s\n", rules[i]);
}
