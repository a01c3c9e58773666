package mta

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing/helo"
)

// csvIdle is after how long in silence a session in a table of commands is taken to have ended.
const csvIdle = 10 * time.Minute

// csvColumns are what a column of a table may be called. Others are passed over with "-".
var csvColumns = []string{"-", "date", "time", "client", "receiver", "id", "verb", "helo", "rcpt", "auth", "port", "command", "reply"}

// CSV reads tables whose columns the operator names (LogOptions.Columns), with commas, semicolons or
// tabs between them and fields in double quotes or not. There are two kinds:
//
//   - a row a session, with helo and, if the table shows it, auth: who has authenticated; "", "-", "0",
//     "no" and "false" say nobody;
//   - with command, a row for what was said, as MailEnable and hMailServer write it: rows of one id and
//     client are a session. "RECEIVED: " and "SENT: " before a text say who said it, or reply has what
//     the server answered. Reply 235 is to a client that has authenticated (RFC 4954, section 4).
//
// That nobody has authenticated is shown by auth, or by replies without 235 up to the first RCPT or to
// 221; else a session is unproven. A first row without a time is taken for the names of columns.
type CSV struct {
	*logReader
	open    *sessions
	comma   byte           // 0: not known yet
	replies bool           // the table has what the server answered
	index   map[string]int // by the name of a column, where it is
	fields  [][]byte       // of the row
	key     []byte
	last    string // time that was read
	at      time.Time
}

// NewCSV returns a reader that has read nothing.
func NewCSV(o LogOptions) *CSV {
	r := newLogReader(o)
	c := &CSV{logReader: r, open: newSessions(r, csvIdle), index: map[string]int{}}
	for i, name := range o.Columns {
		c.index[name] = i
	}
	return c
}

// column is what a row has in a column, if the table has it.
func (c *CSV) column(name string) (value []byte, ok bool) {
	i, ok := c.index[name]
	if ok {
		value = c.fields[i]
	}
	return value, ok
}

// value is the same; a table without the column has nothing there.
func (c *CSV) value(name string) []byte { value, _ := c.column(name); return value }

// validColumns says what is wrong with the names of columns.
func validColumns(columns []string) error {
	for i, name := range columns {
		if !slices.Contains(csvColumns, name) {
			return fmt.Errorf("there is no column %q: they are %s", name, strings.Join(csvColumns, ", "))
		}
		if name != "-" && slices.Index(columns, name) < i {
			return fmt.Errorf("the column %s is named twice", name)
		}
	}
	has := func(name string) bool { return slices.Contains(columns, name) }
	switch {
	case !has("time") || !has("client"):
		return fmt.Errorf("a table needs columns, at least time and client: name them, of %s", strings.Join(csvColumns, ", "))
	case has("command") == has("helo"):
		return fmt.Errorf("a table has either helo, one row a session, or command, one row for what was said")
	case has("command") && !has("id"):
		return fmt.Errorf("a table of commands needs the column id: which session they are of")
	}
	return nil
}

// Line takes the next line.
func (c *CSV) Line(line []byte, emit func(Report)) {
	c.stats.Lines++
	if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
		return
	}
	if !c.split(line) {
		c.malformed("a row with fewer columns", line)
		return
	}
	at, ok := c.time()
	if !ok {
		if c.stats.Known > 0 || c.stats.Skipped > 0 {
			c.malformed("a row without a time", line)
		}
		return
	}
	client, ok := parseClient(c.value("client"))
	if !ok {
		c.malformed("a row without a client", line)
		return
	}
	c.stats.Known++
	c.Expire(at, emit)
	one := c.sessionOf(client, at, line, emit)
	c.open.touch(one, at)
	c.open.keep(one, line)
	if port := c.value("port"); len(port) > 0 {
		one.connectedTo(string(port), c.o.Services)
	}
	if _, commands := c.column("command"); commands {
		c.command(one, emit)
	} else {
		c.session(one)
		c.open.end(one, emit)
	}
}

// sessionOf is the session that a row is of. A row without an id is a session of its own.
func (c *CSV) sessionOf(client netip.Addr, at time.Time, line []byte, emit func(Report)) *session {
	id := c.value("id")
	c.key = client.AppendTo(append(append(c.key[:0], id...), ' '))
	if one := c.open.find(c.key); one != nil {
		return one
	}
	if len(id) == 0 {
		id = strconv.AppendUint([]byte("row/"), hashOf(line), 16)
	}
	one := c.open.start(c.key, append(append(client.AppendTo(make([]byte, 0, 64)), '/'), id...), at, emit)
	one.report.Client, one.report.Receiver = client, cmp.Or(string(c.value("receiver")), c.receiver(nil))
	return one
}

// session takes a row that is a session.
func (c *CSV) session(one *session) {
	one.greeted, one.report.HELO, one.report.Verb = true, greetingText(c.value("helo")), helo.Verb(bytes.ToUpper(c.value("verb")))
	if len(c.value("helo")) == 0 {
		one.report.Verb = helo.VerbNone
	}
	who, shown := c.column("auth")
	one.report.Auth = shown && !slices.Contains([]string{"", "-", "0", "no", "false"}, strings.ToLower(string(who)))
	one.noAuth = shown && !one.report.Auth
	for mailbox := range bytes.FieldsFuncSeq(c.value("rcpt"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		one.report.Tried++
		one.report.addRecipient(mailbox)
	}
}

// command takes a row of what was said.
func (c *CSV) command(one *session, emit func(Report)) {
	said, reply := c.value("command"), c.value("reply")
	if text, sent := bytes.CutPrefix(said, []byte("SENT: ")); sent {
		said, reply = nil, text
	}
	said = bytes.TrimPrefix(said, []byte("RECEIVED: "))
	c.replies = c.replies || len(reply) > 0
	if bytes.HasPrefix(reply, []byte("235")) {
		one.report.Auth, one.noAuth = true, false
	}
	word, argument, _ := bytes.Cut(said, []byte(" "))
	switch strings.ToUpper(string(word)) {
	case "EHLO", "HELO":
		if !one.greeted {
			one.greeted, one.report.HELO, one.report.Verb = true, greetingText(argument), helo.Verb(bytes.ToUpper(word))
		}
	case "MAIL":
		one.report.NullSender = one.report.NullSender || bytes.Contains(argument, []byte("<>"))
	case "RCPT": // a client authenticates before a mail, not within it
		one.noAuth = c.replies && !one.report.Auth
		one.report.Tried++
		_, path, _ := bytes.Cut(argument, []byte("<"))
		mailbox, _, _ := cutQuoted(path, '>')
		one.report.addRecipient(mailbox)
	}
	if bytes.HasPrefix(reply, []byte("221")) {
		one.noAuth = !one.report.Auth
		c.open.end(one, emit)
	}
}

// csvLayouts are how tables write times. MailEnable writes the month first.
var csvLayouts = [...]string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "01/02/06 15:04:05", "01/02/2006 15:04:05"}

// time reads the time of a row, of which the date may be a column of its own. Most rows share theirs
// with the row before.
func (c *CSV) time() (time.Time, bool) {
	date, text := c.value("date"), c.value("time")
	if len(date) > 0 {
		text = append(append(append(c.key[:0], date...), ' '), text...)
	}
	if len(text) > 0 && string(text) == c.last {
		return c.at, true
	}
	for _, layout := range csvLayouts {
		if t, err := time.ParseInLocation(layout, string(text), c.o.Zone); err == nil {
			c.last, c.at = string(text), t.UTC()
			return c.at, true
		}
	}
	return time.Time{}, false
}

// split finds the fields of a line, as many as have a name.
func (c *CSV) split(line []byte) bool {
	if c.comma == 0 {
		c.comma = ','
		for _, comma := range []byte("\t;") {
			if bytes.Count(line, []byte{comma}) >= len(c.o.Columns)-1 && len(c.o.Columns) > 1 {
				c.comma = comma
				break
			}
		}
	}
	c.fields = c.fields[:0]
	for rest, more := line, true; more && len(c.fields) < len(c.o.Columns); {
		var field []byte
		field, rest, more = cutField(rest, c.comma)
		c.fields = append(c.fields, field)
	}
	return len(c.fields) >= len(c.o.Columns)
}

// cutField takes the next field: up to the comma, or in double quotes, which are written twice within
// (RFC 4180, section 2).
func cutField(text []byte, comma byte) (field, rest []byte, more bool) {
	if len(text) == 0 || text[0] != '"' {
		field, rest, more = bytes.Cut(text, []byte{comma})
		return bytes.TrimSpace(field), rest, more
	}
	var plain []byte
	for text = text[1:]; ; {
		before, after, closed := bytes.Cut(text, []byte(`"`))
		plain = append(plain, before...)
		if !closed || len(after) == 0 || after[0] != '"' {
			_, rest, more = bytes.Cut(after, []byte{comma})
			return plain, rest, more
		}
		plain, text = append(plain, '"'), after[1:]
	}
}
