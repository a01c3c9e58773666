package mta

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"time"

	"dnsbld/listing/helo"
)

// maxAttribute is the length of the longest attribute that is read, in octets, its name and line
// end included. SMTP command lines are shorter.
const maxAttribute = 8 << 10

// policyConn is one connection of an smtpd process, which handles one SMTP session after another.
type policyConn struct {
	p       *Policy
	ctx     context.Context // of the listener: done when the server stops
	conn    net.Conn
	in      *bufio.Reader
	out     *bufio.Writer
	reports chan<- Report

	request policyRequest
	session policySession
	begun   time.Time // of the request that is being read; zero between requests
}

func newPolicyConn(ctx context.Context, p *Policy, conn net.Conn, reports chan<- Report) *policyConn {
	c := &policyConn{p: p, ctx: ctx, conn: conn, reports: reports}
	c.in = bufio.NewReaderSize(policySource{c}, maxAttribute)
	c.out = bufio.NewWriter(conn)
	return c
}

// serve answers requests until the connection ends.
func (c *policyConn) serve() {
	stop := context.AfterFunc(c.ctx, func() { c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	defer c.endSession()
	for {
		err := c.request.read(c.in)
		if err != nil {
			if !c.begun.IsZero() || c.request.started || c.out.Buffered() > 0 {
				c.p.count(&c.p.stats.Broken, 1)
			}
			return
		}
		c.p.count(&c.p.stats.Overlong, c.request.overlong)
		c.answer()
		if c.in.Buffered() == 0 {
			if err := c.flush(); err != nil {
				c.p.count(&c.p.stats.Broken, 1)
				return
			}
		}
		c.begun = time.Time{}
		c.note() // after the answer: mail does not wait for the books
	}
}

// answer decides on the request.
func (c *policyConn) answer() {
	c.p.count(&c.p.stats.Requests, 1)
	if text, refused := c.refusal(); refused {
		c.p.count(&c.p.stats.Refused, 1)
		c.out.WriteString("action=REJECT 5.7.1 ")
		c.out.WriteString(text)
		c.out.WriteString("\n\n")
		return
	}
	c.out.WriteString("action=DUNNO\n\n")
}

// refusal returns the text with which a listed client is refused. Authenticated clients, our own
// hosts and trusted ones are never refused.
func (c *policyConn) refusal() (string, bool) {
	if c.p.config.Listed == nil {
		return "", false
	}
	client, ok := parseClient(c.request.value(attrClientAddress))
	if !ok {
		return "", false
	}
	text, listed := c.p.config.Listed(client)
	if !listed {
		return "", false
	}
	s := helo.Session{Client: client, Verb: helo.VerbNone}
	c.request.describe(&s)
	c.p.config.Our.Fill(&s)
	if helo.Classify(s).Strength == helo.Exempt {
		return "", false
	}
	const longest = 400 // of a reply line's 512 octets (RFC 5321, section 4.5.3.1.5)
	return helo.Escape(text, longest), true
}

// flush sends the answers that wait. A client that does not take them is given up, so that nothing
// waits for it.
func (c *policyConn) flush() error {
	if c.out.Buffered() == 0 {
		return nil
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.p.limits.write)); err != nil {
		return err
	}
	return c.out.Flush()
}

// note adds the request to the session that it is about.
func (c *policyConn) note() {
	switch c.session.take(&c.request) {
	case sessionOther:
		c.endSession()
		c.session.begin(&c.request, c.p.config.Receiver, c.p.config.Now())
	case sessionMalformed:
		c.p.count(&c.p.stats.Malformed, 1)
	}
}

// endSession reports the session, if there is one to report.
func (c *policyConn) endSession() {
	r, ok := c.session.end()
	if !ok {
		return
	}
	select {
	case c.reports <- r:
		c.p.count(&c.p.stats.Sessions, 1)
	default:
		c.p.count(&c.p.stats.Dropped, 1)
	}
}

// policySource reads from the connection under the deadline of the moment, and reports a session
// that has fallen quiet.
type policySource struct{ c *policyConn }

// Read reads what has come. While a request is not whole it waits until the request's deadline;
// between requests until the connection has been idle for too long; and with a session that is not
// reported yet, first until that has been quiet.
func (s policySource) Read(buf []byte) (int, error) {
	c := s.c
	if err := c.flush(); err != nil { // answers to requests before the one that has come in part
		return 0, err
	}
	started := time.Now()
	if c.begun.IsZero() && c.request.started {
		c.begun = started
	}
	n, quiet, err := c.receive(buf, started)
	for quiet && n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.ctx.Err() == nil {
		c.endSession()
		n, quiet, err = c.receive(buf, started)
	}
	if c.begun.IsZero() && n > 0 {
		c.begun = time.Now()
	}
	return n, err
}

// receive reads until the deadline. With quiet, that is when the session is to be reported, and the
// connection goes on.
func (c *policyConn) receive(buf []byte, started time.Time) (n int, quiet bool, err error) {
	until, quiet := c.deadline(started)
	if err := c.conn.SetReadDeadline(until); err != nil {
		return 0, false, err
	}
	if err := c.ctx.Err(); err != nil { // the server may have set its deadline before we set ours
		return 0, false, err
	}
	n, err = c.conn.Read(buf)
	return n, quiet, err
}

// deadline is until when to wait for more, and whether that is only to report the session.
func (c *policyConn) deadline(started time.Time) (until time.Time, quiet bool) {
	if !c.begun.IsZero() {
		return c.begun.Add(c.p.limits.request), false
	}
	idle := started.Add(c.p.limits.idle)
	if c.session.pending() {
		silence := c.p.limits.quiet
		if len(c.session.report.Recipients) == 0 {
			silence *= 20 // asked at EHLO: what matters is to come
		}
		if at := started.Add(silence); at.Before(idle) {
			return at, true
		}
	}
	return idle, false
}
