package mta

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"dnsbld/listing/helo"
)

// rspamdIdle is with how little time between them two mails of one client with one HELO are taken for
// one session: a line of Rspamd's is a mail, and does not say which session it came in.
const rspamdIdle = time.Minute

// Rspamd reads the log of Rspamd, 3.4 and later, a file or by syslog, with the log_format that
// `blctl mta-config rspamd` prints. What clients choose stands there in hexadecimal digits:
//
//	STAMP #PID(normal) <TAG>; task; rspamd_task_write_log: dnsbld ip=CLIENT auth=no helo=HEX rcpts=HEX …
//
// Rspamd sees mail alone, which a mail server hands it after DATA, with who has authenticated: auth is
// yes then. A mail server that does not tell Rspamd the client, the HELO or the user is not read so.
type Rspamd struct {
	*logReader
	open *sessions
	key  []byte

	said, recipients []byte // of the mail
}

// NewRspamd returns a reader that has read nothing.
func NewRspamd(o LogOptions) *Rspamd {
	r := newLogReader(o)
	return &Rspamd{logReader: r, open: newSessions(r, rspamdIdle)}
}

// Line takes the next line.
func (d *Rspamd) Line(line []byte, emit func(Report)) {
	d.stats.Lines++
	l, ok := syslogLine{}, false
	if l.stamp, l.text, ok = cutEximStamp(line); ok { // its time has the same form
		ok = bytes.HasPrefix(l.text, []byte("#"))
	} else if l, ok = splitSyslog(line); ok && string(l.program) != "rspamd" {
		return // another program's
	}
	if !ok {
		d.malformed("a line that is not Rspamd's", line)
		return
	}
	d.stats.Known++
	_, text, ok := bytes.Cut(l.text, []byte("; rspamd_task_write_log: "))
	if !ok {
		return // about something else than a mail
	}
	at, ok := d.stamps.of(&l)
	if !ok {
		d.malformed("a line without a time", line)
		return
	}
	d.Expire(at, emit)
	d.mail(&l, text, at, line, emit)
}

// rspamdFields are how the fields of a mail begin.
var rspamdFields = [...]string{"dnsbld", "ip=", "auth=", "helo=", "rcpts="}

// mail takes a mail.
func (d *Rspamd) mail(l *syslogLine, text []byte, at time.Time, line []byte, emit func(Report)) {
	var value [5][]byte // by field
	n := 0
	for field := range bytes.FieldsSeq(text) {
		if n == len(value) {
			break
		}
		var ok bool
		if value[n], ok = bytes.CutPrefix(field, []byte(rspamdFields[n])); !ok {
			break
		}
		n++
	}
	if n < len(value) {
		d.missed("a mail in another log_format than mta-config prints", nil, line)
		return
	}
	client, ok := parseClient(value[1])
	if !ok {
		return // of a local program
	}
	said, err := hex.AppendDecode(d.said[:0], value[3])
	recipients, wrong := hex.AppendDecode(d.recipients[:0], value[4])
	d.said, d.recipients = said, recipients
	if err != nil || wrong != nil {
		d.missed("a mail with a value that is not in hexadecimal digits", nil, line)
		return
	}
	d.key = append(client.AppendTo(d.key[:0]), said...)
	one := d.open.find(d.key)
	if one == nil {
		one = d.open.start(d.key, fmt.Appendf(nil, "%s/%s/%x", l.host, client, hashOf(said)), at, emit)
		one.report.Receiver, one.report.Client = d.receiver(l.host), client
		if one.greeted = true; len(said) == 0 {
			one.report.Verb = helo.VerbNone
		}
		one.report.HELO = greetingText(said)
	}
	d.open.touch(one, at)
	d.open.keep(one, line)
	one.report.Auth = one.report.Auth || string(value[2]) == "yes"
	one.noAuth = string(value[2]) == "no"
	for domain := range bytes.FieldsSeq(recipients) {
		one.report.Tried++
		one.report.addRecipient(append([]byte("@"), domain...))
	}
}
