/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/bounce_texts.h"

#include <stddef.h>

/* What a language says in each notice, and in which notice it says what. */
struct language {
	const char *tag;
	const char *greeting;
	const char *retry;
	const char *queue_id;
	const char *means;
	struct {
		const char *subject;
		const char *text;
	} kinds[BOUNCE_KINDS];
};

static const struct language languages[] = {
	{ "en", "This is the mail system at host $hostname.\n",
	    "It will be tried until $retry_until\n",
	    "The queue id was $queue_id; the administrator here can find the "
	    "message\nin the log by it.\n",
	    "This means",
	    { { "Undelivered Mail Returned to Sender",
		  "Your message could not be delivered to one or more "
		  "recipients.\nIt is attached below, and nothing more will "
		  "be tried for them.\n" },
		{ "Delayed Mail (still being retried)",
		    "Your message could not be delivered yet to one or more "
		    "recipients.\nIt is still being tried; you do not need to "
		    "send it again.\n" },
		{ "Successful Mail Delivery Report",
		    "Your message was delivered to these recipients, or "
		    "handed to a host\nthat sends no such reports. You asked "
		    "to be told.\n" },
		{ "Successful Mail Delivery Report",
		    "These addresses stand for several recipients, to whom "
		    "your message goes\non. You asked to be told, and will "
		    "hear of failures only.\n" } } },
	{ "id", "Ini adalah sistem surel di host $hostname.\n",
	    "Pengiriman akan dicoba sampai $retry_until\n",
	    "Nomor antreannya $queue_id; dengan nomor itu pengelola di sini "
	    "dapat\nmenemukan pesan Anda di catatan (log).\n",
	    "Artinya",
	    { { "Surel tidak terkirim, dikembalikan kepada pengirim",
		  "Pesan Anda tidak dapat dikirimkan kepada satu atau "
		  "beberapa penerima.\nPesan itu terlampir di bawah, dan "
		  "tidak akan dicoba lagi untuk mereka.\n" },
		{ "Surel tertunda (masih terus dicoba)",
		    "Pesan Anda belum dapat dikirimkan kepada satu atau "
		    "beberapa penerima.\nPengiriman masih terus dicoba; Anda "
		    "tidak perlu mengirimnya lagi.\n" },
		{ "Laporan: surel berhasil dikirimkan",
		    "Pesan Anda sudah sampai kepada penerima berikut, atau "
		    "diserahkan kepada\nhost yang tidak mengirim laporan "
		    "seperti ini. Anda memintanya.\n" },
		{ "Laporan: surel berhasil dikirimkan",
		    "Alamat berikut mewakili beberapa penerima, dan pesan "
		    "Anda diteruskan\nkepada mereka. Anda meminta laporan "
		    "ini, dan selanjutnya hanya akan\ndiberi tahu bila ada "
		    "yang gagal.\n" } } },
	{ "de", "Dies ist das Mailsystem des Rechners $hostname.\n",
	    "Es wird versucht bis $retry_until\n",
	    "Die Nummer in der Warteschlange war $queue_id; mit ihr findet "
	    "die\nVerwaltung hier die Nachricht im Protokoll.\n",
	    "Das bedeutet",
	    { { "Unzustellbare Nachricht zurück an den Absender",
		  "Ihre Nachricht konnte einem oder mehreren Empfängern nicht "
		  "zugestellt\nwerden. Sie ist unten angehängt, und für diese "
		  "Empfänger wird nichts\nweiter versucht.\n" },
		{ "Verzögerte Nachricht (wird weiter versucht)",
		    "Ihre Nachricht konnte einem oder mehreren Empfängern "
		    "noch nicht zugestellt\nwerden. Es wird weiter versucht; "
		    "Sie müssen sie nicht noch einmal senden.\n" },
		{ "Bericht über erfolgreiche Zustellung",
		    "Ihre Nachricht wurde diesen Empfängern zugestellt oder "
		    "einem Rechner\nübergeben, der keine solchen Berichte "
		    "sendet. Sie hatten darum gebeten.\n" },
		{ "Bericht über erfolgreiche Zustellung",
		    "Diese Adressen stehen für mehrere Empfänger, an die Ihre "
		    "Nachricht\nweitergeht. Sie hatten um diesen Bericht "
		    "gebeten und hören nun nur noch\nvon Fehlern.\n" } } },
	{ "fr", "Ceci est le système de messagerie de l'hôte $hostname.\n",
	    "Les essais continueront jusqu'au $retry_until\n",
	    "Le numéro dans la file était $queue_id ; il permet à "
	    "l'administrateur\nd'ici de retrouver le message dans le "
	    "journal.\n",
	    "Cela signifie",
	    { { "Message non distribué, retourné à l'expéditeur",
		  "Votre message n'a pas pu être remis à un ou plusieurs "
		  "destinataires.\nIl est joint ci-dessous, et rien d'autre "
		  "ne sera essayé pour eux.\n" },
		{ "Message retardé (les essais continuent)",
		    "Votre message n'a pas encore pu être remis à un ou "
		    "plusieurs\ndestinataires. Les essais continuent ; vous "
		    "n'avez pas besoin de le\nrenvoyer.\n" },
		{ "Rapport de remise réussie",
		    "Votre message a été remis à ces destinataires, ou à un "
		    "hôte qui n'envoie\npas de tels rapports. Vous aviez "
		    "demandé à en être averti.\n" },
		{ "Rapport de remise réussie",
		    "Ces adresses représentent plusieurs destinataires, à qui "
		    "votre message\nest transmis. Vous aviez demandé ce "
		    "rapport ; désormais vous ne serez\naverti que des "
		    "échecs.\n" } } },
	{ "es", "Este es el sistema de correo del servidor $hostname.\n",
	    "Se intentará hasta $retry_until\n",
	    "El número en la cola era $queue_id; con él, el administrador "
	    "puede\nencontrar el mensaje en el registro.\n",
	    "Esto significa",
	    { { "Correo no entregado, devuelto al remitente",
		  "Su mensaje no pudo ser entregado a uno o más "
		  "destinatarios.\nSe adjunta más abajo, y no se intentará "
		  "nada más para ellos.\n" },
		{ "Correo retrasado (se sigue intentando)",
		    "Su mensaje todavía no pudo ser entregado a uno o más "
		    "destinatarios.\nSe sigue intentando; no hace falta que "
		    "lo envíe de nuevo.\n" },
		{ "Informe de entrega correcta",
		    "Su mensaje fue entregado a estos destinatarios, o a un "
		    "servidor que no\nenvía tales informes. Usted pidió que "
		    "se le avisara.\n" },
		{ "Informe de entrega correcta",
		    "Estas direcciones representan a varios destinatarios, a "
		    "quienes se envía\nsu mensaje. Usted pidió este informe; "
		    "en adelante solo se le avisará\nde los fallos.\n" } } },
	{ "nl", "Dit is het mailsysteem van host $hostname.\n",
	    "Er wordt geprobeerd tot $retry_until\n",
	    "Het nummer in de wachtrij was $queue_id; daarmee kan de "
	    "beheerder hier\nhet bericht in het logboek vinden.\n",
	    "Dit betekent",
	    { { "Onbestelbare mail terug naar de afzender",
		  "Uw bericht kon bij een of meer ontvangers niet worden "
		  "bezorgd.\nHet is hieronder bijgevoegd, en voor hen wordt "
		  "niets meer geprobeerd.\n" },
		{ "Vertraagde mail (er wordt nog geprobeerd)",
		    "Uw bericht kon bij een of meer ontvangers nog niet "
		    "worden bezorgd.\nEr wordt verder geprobeerd; u hoeft het "
		    "niet opnieuw te sturen.\n" },
		{ "Bericht van geslaagde bezorging",
		    "Uw bericht is bij deze ontvangers bezorgd, of gegeven "
		    "aan een host die\nzulke berichten niet stuurt. U had "
		    "erom gevraagd.\n" },
		{ "Bericht van geslaagde bezorging",
		    "Deze adressen staan voor meer ontvangers, aan wie uw "
		    "bericht wordt\ndoorgestuurd. U had om dit bericht "
		    "gevraagd en hoort verder alleen van\nfouten.\n" } } },
};

static void
add_kind(struct buf *out, const struct language *language, int kind)
{
	buf_add_format(out,
	    "[%.*s %s]\nSubject: %s\nMeans: "
	    "%s\n\n%s\n%s%s\n%s\n$recipients\n\n",
	    SLICE_FMT(bounce_kind_names[kind]), language->tag,
	    language->kinds[kind].subject, language->means, language->greeting,
	    language->kinds[kind].text,
	    kind == BOUNCE_DELAYED ? language->retry : "", language->queue_id);
}

void
bounce_texts_default_text(struct buf *out)
{
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		for (int kind = 0; kind < BOUNCE_KINDS; kind++)
			add_kind(out, &languages[i], kind);
}
