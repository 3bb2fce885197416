/*
 * The protocol of sendmail's milters, version 6, as sendmail 8.14 and later
 * and Postfix speak it: the numbers.  Packets are a length (32 bits, network
 * order), which counts what follows, one octet that says what it is, and data.
 */
#ifndef COMMON_MILTER_PROTOCOL_H
#define COMMON_MILTER_PROTOCOL_H

enum {
	SMFI_VERSION = 6,
	SMFI_VERSION_LEAST = 2,
	/* Octets of data in a packet, unless more is agreed upon (SMFIP_MDS).
	 */
	SMFI_DATA_MAX = 65535,
	SMFI_DATA_256K = 256 * 1024 - 1,
	SMFI_DATA_1M = 1024 * 1024 - 1
};

/* What we say. */
enum {
	SMFIC_ABORT = 'A',
	SMFIC_BODY = 'B',
	SMFIC_CONNECT = 'C',
	SMFIC_MACRO = 'D',
	SMFIC_BODYEOB = 'E',
	SMFIC_HELO = 'H',
	SMFIC_QUIT_NC = 'K',
	SMFIC_HEADER = 'L',
	SMFIC_MAIL = 'M',
	SMFIC_EOH = 'N',
	SMFIC_OPTNEG = 'O',
	SMFIC_QUIT = 'Q',
	SMFIC_RCPT = 'R',
	SMFIC_DATA = 'T',
	SMFIC_UNKNOWN = 'U'
};

/* What milters say. */
enum {
	SMFIR_ADDRCPT = '+',
	SMFIR_DELRCPT = '-',
	SMFIR_ADDRCPT_PAR = '2',
	SMFIR_SHUTDOWN = '4',
	SMFIR_ACCEPT = 'a',
	SMFIR_REPLBODY = 'b',
	SMFIR_CONTINUE = 'c',
	SMFIR_DISCARD = 'd',
	SMFIR_CHGFROM = 'e',
	SMFIR_CONN_FAIL = 'f',
	SMFIR_ADDHEADER = 'h',
	SMFIR_INSHEADER = 'i',
	SMFIR_SETSYMLIST = 'l',
	SMFIR_CHGHEADER = 'm',
	SMFIR_PROGRESS = 'p',
	SMFIR_QUARANTINE = 'q',
	SMFIR_REJECT = 'r',
	SMFIR_SKIP = 's',
	SMFIR_TEMPFAIL = 't',
	SMFIR_REPLYCODE = 'y'
};

/* Actions: what a milter may do. */
enum {
	SMFIF_ADDHDRS = 0x1,
	SMFIF_CHGBODY = 0x2,
	SMFIF_ADDRCPT = 0x4,
	SMFIF_DELRCPT = 0x8,
	SMFIF_CHGHDRS = 0x10,
	SMFIF_QUARANTINE = 0x20,
	SMFIF_CHGFROM = 0x40,
	SMFIF_ADDRCPT_PAR = 0x80,
	SMFIF_SETSYMLIST = 0x100,
	SMFIF_ALL = 0x1ff
};

/* Steps: NO, what it does not want; NR, what it does not answer. */
enum {
	SMFIP_NOCONNECT = 0x1,
	SMFIP_NOHELO = 0x2,
	SMFIP_NOMAIL = 0x4,
	SMFIP_NORCPT = 0x8,
	SMFIP_NOBODY = 0x10,
	SMFIP_NOHDRS = 0x20,
	SMFIP_NOEOH = 0x40,
	SMFIP_NR_HDR = 0x80,
	SMFIP_NOUNKNOWN = 0x100,
	SMFIP_NODATA = 0x200,
	SMFIP_SKIP = 0x400,     /* it may answer SKIP */
	SMFIP_RCPT_REJ = 0x800, /* refused recipients, too */
	SMFIP_NR_CONN = 0x1000,
	SMFIP_NR_HELO = 0x2000,
	SMFIP_NR_MAIL = 0x4000,
	SMFIP_NR_RCPT = 0x8000,
	SMFIP_NR_DATA = 0x10000,
	SMFIP_NR_UNKN = 0x20000,
	SMFIP_NR_EOH = 0x40000,
	SMFIP_NR_BODY = 0x80000,
	SMFIP_HDR_LEADSPC = 0x100000, /* the blank behind the colon, too */
	/* Larger packets; a milter says which one of those that it is offered.
	 */
	SMFIP_MDS_256K = 0x10000000,
	SMFIP_MDS_1M = 0x20000000
};

/* Stages whose macros a milter may choose (SETSYMLIST). */
enum milter_stage {
	MILTER_STAGE_CONNECT,
	MILTER_STAGE_HELO,
	MILTER_STAGE_MAIL,
	MILTER_STAGE_RCPT,
	MILTER_STAGE_DATA,
	MILTER_STAGE_EOM,
	MILTER_STAGE_EOH,
	MILTER_STAGES
};

#endif
