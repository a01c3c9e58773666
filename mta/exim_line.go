package mta

import (
	"bytes"

	"dnsbld/listing/helo"
)

// eximEvent is what one line tells of a connection.
type eximEvent struct {
	host eximHost
	eximFields
	refused    []byte // the argument of a HELO that Exim refused; nil: none
	recipients [][]byte
	showsAuth  bool // the line has A= if the client had authenticated
	unknown    bool // the recipient is a mailbox that the server does not have
	closing    bool // the connection is over
	unread     bool // the line was not read to its end
	shape      string
}

// eximRead is what the reader made of a line. A line of which the client is not certain is never an
// event: to leave it out spares somebody, to take it could accuse somebody else.
type eximRead uint8

const (
	eximOther     eximRead = iota // it is about something else than a client's session
	eximEventRead                 // an event
	eximAmbiguous                 // a HELO accepted in spite of its syntax makes it look like another client's
	eximUnread                    // its shape is not known
)

// parse reads a line without its time. The shapes are those of Exim 4.94 to 4.98: what smtp_in.c
// writes of commands, greetings and connections, receive.c of mail that is taken or refused,
// daemon.c of connections that open, and host_and_ident() of host.c of the client in all of them.
// The shapes that it knows (ID is that of a message, HOST is as eximHost has it, FIELDS as
// eximFields; the lines with (A) have A= among them if the client had authenticated):
//
//	ID <= SENDER H=HOST FIELDS S=… id=… T="SUBJECT" from <SENDER> for RECIPIENT…   accepted mail (A)
//	[ID] H=HOST FIELDS F=<SENDER> rejected RCPT <RECIPIENT>: WHY                   a refused command (A: RCPT, after DATA, MIME)
//	[ID] H=HOST FIELDS sender verify fail for <SENDER>: WHY                        also Warning:, incomplete transaction, RCPT
//	ID F=SENDER H=HOST FIELDS rejected by local_scan(): WHY                        (A, in P=)
//	ID rejected from <SENDER> H=HOST: WHY                                          a message refused for its size or headers
//	rejected EHLO from HOST FIELDS: syntactically invalid argument(s): ARGUMENT    a greeting refused for its syntax
//	rejected "EHLO ARGUMENT" from HOST FIELDS                                      helo_verify_hosts
//	SMTP connection from HOST FIELDS closed by QUIT                                the end of a connection
//	NAME authenticator failed for HOST FIELDS: WHY                                 and the beginnings in eximBeginnings
func (what *eximEvent) parse(text []byte) eximRead {
	text = bytes.TrimPrefix(text, []byte(" DS")) // the host name is secured by DNSSEC
	if bytes.HasPrefix(text, []byte(" ")) {
		return eximOther // an entry of several lines
	}
	if read, ok := what.parseBeginning(text); ok {
		return read
	}
	if rest, ok := bytes.CutPrefix(text, []byte("H=")); ok {
		return what.parseRefusal(rest, false)
	}
	if rest, ok := cutEximID(text); ok {
		return what.parseMessage(rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("SMTP connection")); ok {
		return what.parseConnection(rest)
	}
	if rest, ok := bytes.CutPrefix(bytes.TrimPrefix(text, []byte("temporarily ")), []byte("rejected ")); ok {
		return what.parseGreeting(rest)
	}
	if _, rest, ok := bytes.Cut(text, []byte(" authenticator failed for ")); ok {
		return what.parseClient(rest)
	}
	if beginsWith(text, eximOthers[:]) {
		return eximOther
	}
	return eximUnread
}

// eximBeginnings are beginnings of lines that a client follows, and whether they end the
// connection.
var eximBeginnings = [...]struct {
	text    string
	closing bool
}{
	{"SMTP command timeout on connection from ", true},
	{"SMTP command timeout on TLS connection from ", true},
	{"SMTP data timeout (message abandoned) on connection from ", true},
	{"SMTP call from ", true},
	{"unexpected disconnection while reading SMTP command from ", true},
	{"no MAIL in SMTP connection from ", false},
	{"no MAIL in TFO SMTP connection from ", false},
	{"no MAIL in TFO* SMTP connection from ", false},
}

// eximOthers are beginnings of lines that have nothing of a session, or nothing that its other
// lines lack.
var eximOthers = [...]string{
	"Start queue run", "End queue run", "exim ", "Exim", "SIGHUP", "pid ", "daemon", "cwd=", "no host name found", "no IP address found",
	"host name alias", "TLS error", "TLS client", "TLS session", "Warning: ", "refused connection from ", "Connection from ",
	"connection from ", "SMTP connection identification ", "SMTP connection outbound ", "ignoring AUTH=", "failed to", "Failed to", "unable to",
	"Unable to", "DKIM", "removed", "cancelled", "retry", "re-exec ", "Completed", "=> ", "== ", "** ",
}

func (what *eximEvent) parseBeginning(text []byte) (eximRead, bool) {
	for _, beginning := range eximBeginnings {
		if rest, ok := bytes.CutPrefix(text, []byte(beginning.text)); ok {
			what.closing = beginning.closing
			return what.parseClient(rest), true
		}
	}
	return eximOther, false
}

// parseClient reads a HOST behind which everything may follow. It is of no interest without a HELO.
func (what *eximEvent) parseClient(text []byte) eximRead {
	rest, read := what.parseHost(text)
	if read != eximEventRead {
		return read
	}
	if !what.host.greeted {
		return eximOther
	}
	what.fields(rest)
	return eximEventRead
}

// parseConnection reads " from HOST FIELDS closed by QUIT", "lost" and the like. Lines about a
// connection that opens have nothing yet.
func (what *eximEvent) parseConnection(text []byte) eximRead {
	if rest, ok := bytes.CutPrefix(text, []byte(" lost after final dot H=")); ok {
		what.closing = true
		return what.parseClient(rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte(" Ci=")); ok { // log_selector = +connection_id, Exim 4.97
		_, text, _ = bytes.Cut(rest, []byte(" "))
	}
	text, ok := bytes.CutPrefix(bytes.TrimPrefix(text, []byte(" ")), []byte("from "))
	if !ok {
		return eximOther // "SMTP connection identification", of cPanel
	}
	text, read := what.parseHost(text)
	if read != eximEventRead {
		return read
	}
	return what.parseConnectionEnd(what.fields(text))
}

// parseConnectionEnd reads how a connection ended, with fields before it and, behind inetd, in the
// midst of it.
func (what *eximEvent) parseConnectionEnd(text []byte) eximRead {
	opens := bytes.HasPrefix(text, []byte("(TCP/IP connection count")) || bytes.HasPrefix(text, []byte("(via inetd)"))
	for _, way := range [...]string{"(via inetd)", "(ODMR customer)"} {
		if rest, ok := bytes.CutPrefix(text, []byte(way)); ok && len(rest) > 0 {
			text, opens = what.fields(rest), false
		}
	}
	switch {
	case bytes.HasPrefix(text, []byte("closed by QUIT")):
		what.assumeName()
		fallthrough
	case bytes.HasPrefix(text, []byte("closed ")), bytes.HasPrefix(text, []byte("lost")):
		what.closing = true
		return eximEventRead
	case opens:
		return eximOther
	}
	return eximUnread
}

// parseGreeting reads "EHLO from HOST: syntactically invalid argument(s): ARGUMENT", where the
// argument is escaped, "\"EHLO ARGUMENT\" from HOST", where it stands in HOST too, and "MAIL from
// HOST: no HELO/EHLO given".
func (what *eximEvent) parseGreeting(text []byte) eximRead {
	if rest, ok := bytes.CutPrefix(text, []byte("from <")); ok {
		return what.parseMessageRefusal(rest)
	}
	if bytes.HasPrefix(text, []byte(`"`)) {
		if _, rest, ok := bytes.Cut(text, []byte(`" from `)); ok && !bytes.Contains(rest, []byte(`" from `)) {
			return what.parseClient(rest)
		}
		return eximUnread
	}
	verb, text, ok := bytes.Cut(text, []byte(" from "))
	if !ok || string(verb) != "EHLO" && string(verb) != "HELO" {
		return eximUnread
	}
	what.verb = helo.Verb(verb)
	return what.parseInvalidGreeting(text)
}

// parseInvalidGreeting reads "HOST FIELDS: syntactically invalid argument(s): ARGUMENT".
func (what *eximEvent) parseInvalidGreeting(text []byte) eximRead {
	const between = ": syntactically invalid argument(s): "
	from, argument, ok := bytes.Cut(text, []byte(between))
	switch {
	case !ok:
		return eximUnread
	case bytes.Contains(argument, []byte(between)):
		return eximAmbiguous
	}
	from, read := what.parseHost(from)
	if read != eximEventRead {
		return read
	}
	if len(what.fields(from)) > 0 {
		return eximUnread
	}
	what.refused = []byte{}
	if string(argument) != "(no argument given)" {
		what.refused = unescape(argument)
	}
	return eximEventRead
}

// parseMessage reads a line about a message, without its ID. Most are about its delivery.
func (what *eximEvent) parseMessage(text []byte) eximRead {
	if rest, ok := bytes.CutPrefix(text, []byte("H=")); ok {
		return what.parseRefusal(rest, true)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("<= ")); ok {
		return what.parseArrival(rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("(= ")); ok { // ACL: control = fakereject
		return what.parseArrival(rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("rejected from <")); ok {
		return what.parseMessageRefusal(rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("SMTP connection lost after final dot H=")); ok {
		what.closing = true
		return what.parseClient(rest)
	}
	if bytes.HasPrefix(text, []byte("F=")) {
		rest := what.fields(text)
		if rest, ok := bytes.CutPrefix(rest, []byte("H=")); ok {
			return what.parseRefusal(rest, false)
		}
	}
	return eximOther
}

// parseRefusal reads "HOST FIELDS F=<SENDER> rejected RCPT <RECIPIENT>: …" and what else is said of
// a client that is connected. With mail, the same beginning is also used of hosts that Exim sends
// to.
func (what *eximEvent) parseRefusal(text []byte, mail bool) eximRead {
	text, read := what.parseHost(text)
	if read != eximEventRead {
		if mail && read == eximUnread {
			return eximOther
		}
		return read
	}
	text = what.fields(text)
	text = bytes.TrimPrefix(text, []byte("temporarily "))
	if command, ok := bytes.CutPrefix(text, []byte("rejected ")); ok {
		return what.parseCommand(command)
	}
	known := beginsWith(text, []string{"Warning: ", "incomplete transaction", "sender verify ", "RCPT ", "dropped by "})
	if !known && mail && !what.hasSender {
		return eximOther // where it is sent to
	}
	what.assumeName()
	if !known {
		what.unread, what.shape = true, "H=* "+shapeOf(text)
	}
	return eximEventRead
}

// parseCommand reads what was refused, "RCPT <RECIPIENT>: …" or "after DATA: …". What follows the
// colon is text of the configuration and of routers, into which a stranger's words may come: of it
// only the beginning is read, of a recipient that does not exist.
func (what *eximEvent) parseCommand(text []byte) eximRead {
	name, _, _ := bytes.Cut(text, []byte(":"))
	switch {
	case bytes.HasPrefix(text, []byte("connection in ")), bytes.HasPrefix(text, []byte(`in "connect" ACL`)):
		return eximOther // before the greeting
	case bytes.HasPrefix(text, []byte("RCPT <")):
		if mailbox, why, ok := cutQuoted(text[len("RCPT <"):], '>'); ok {
			what.recipients = append(what.recipients, mailbox)
			// The words of "verify = recipient", and of a router's ":fail: Unknown user".
			what.unknown = bytes.HasPrefix(why, []byte(": Unrouteable address")) || bytes.HasPrefix(why, []byte(": Unknown user"))
		}
		what.showsAuth = what.showsAuth || what.hasSender
	case bytes.HasPrefix(text, []byte("RCPT ")), string(name) == "after DATA", string(name) == "during MIME ACL checks":
		what.showsAuth = what.showsAuth || what.hasSender
	}
	what.showsAuth = what.showsAuth || what.hasProtocol
	what.assumeName()
	return eximEventRead
}

// parseMessageRefusal reads "SENDER> H=HOST: …", where A= is not written.
func (what *eximEvent) parseMessageRefusal(text []byte) eximRead {
	sender, rest, ok := cutQuoted(text, '>')
	rest, network := bytes.CutPrefix(rest, []byte(" H="))
	if !ok || !network {
		return eximOther // of a local program
	}
	what.nullSender = len(sender) == 0
	rest, read := what.parseHost(rest)
	what.assumeName()
	what.fields(rest)
	return read
}

// parseArrival reads "SENDER H=HOST FIELDS …" of a mail that was accepted. A quoted sender may hold
// blanks and what looks like H=.
func (what *eximEvent) parseArrival(text []byte) eximRead {
	sender, text, ok := cutQuoted(text, ' ')
	if !ok {
		return eximUnread
	}
	text = what.fields(text) // R=, DS
	text, network := bytes.CutPrefix(text, []byte("H="))
	if !network {
		return eximOther // of a local program
	}
	what.nullSender = string(sender) == "<>"
	text, read := what.parseHost(text)
	if read != eximEventRead {
		return read
	}
	what.assumeName()
	if text = what.fields(text); !bytes.HasPrefix(text, []byte("S=")) {
		what.unread, what.shape = true, "<= * H=* "+shapeOf(text)
	}
	what.showsAuth = what.hasProtocol
	what.recipients = arrivalRecipients(text)
	return eximEventRead
}

// arrivalRecipients are what log_selector = +received_recipients writes last, " for RECIPIENT…". A
// subject before it may hold the same.
func arrivalRecipients(text []byte) (recipients [][]byte) {
	if _, subject, ok := bytes.Cut(text, []byte(` T="`)); ok {
		text = subject[subjectLength(subject):]
	}
	at := bytes.LastIndex(text, []byte(" for "))
	if at < 0 {
		return nil
	}
	for rest := text[at+len(" for "):]; len(rest) > 0; {
		var mailbox []byte
		mailbox, rest, _ = cutQuoted(rest, ' ')
		recipients = append(recipients, mailbox)
	}
	return recipients
}

// subjectLength is how long a subject is that ends in a quote. Exim escapes a quote in it once as
// \" and then the backslash again, so that its own quote is the one behind a number of backslashes
// that four divides.
func subjectLength(text []byte) int {
	slashes := 0
	for i, c := range text {
		switch {
		case c == '\\':
			slashes++
			continue
		case c == '"' && slashes%4 == 0:
			return i + 1
		}
		slashes = 0
	}
	return len(text)
}

// assumeName is for lines that Exim writes after a greeting. With the host name confirmed it leaves
// out a HELO that is equal to the name, and the client's own address in brackets (sender_helo_name
// in host.c). So it takes the confirmed host name for a HELO that Exim left out.
func (what *eximEvent) assumeName() {
	if h := &what.host; !h.greeted && len(h.name) > 0 {
		h.helo, h.greeted = h.name, true
	}
}

// cutEximID takes a message ID (6-6-2 characters, or 6-11-4 since Exim 4.97) and a blank.
func cutEximID(text []byte) (rest []byte, ok bool) {
	id, rest, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(id) != 16 && len(id) != 23 || id[6] != '-' || id[len(id)-3] != '-' && id[len(id)-5] != '-' {
		return nil, false
	}
	for _, c := range id {
		if !digit(c) && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return nil, false
		}
	}
	return rest, true
}
