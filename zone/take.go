package zone

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/mirror"
)

// Primary is the server that a zone is taken from.
type Primary struct {
	Address netip.AddrPort
	Key     string      // name of the key that signs both sides; empty: nobody signs
	TLS     *tls.Config // over TLS (RFC 9103); nil: in clear
}

// Bounds of a transfer from a primary. What was taken before is served meanwhile.
const (
	takeMessage  = 10 * time.Second // for one message, and for the connection
	takeAll      = 30 * time.Minute
	takeNames    = 50_000_000
	takeChanges  = 200_000 // names that an IXFR is worth; beyond it the zone is taken whole
	mostUnsigned = 99      // messages between two that are signed (RFC 8945, section 5.3.1)
)

// Take is a mirror.Take of the zone in force that has a primary.
func (s *Server) Take(ctx context.Context, have *uint32) (*mirror.Copy, error) {
	t := s.tables.Load()
	z := t.mirrored
	ctx, cancel := context.WithTimeout(ctx, takeAll)
	defer cancel()
	c := &conveyor{zone: z, tables: t}
	copied, err := c.over(ctx, func() (*mirror.Copy, error) { return c.take(have) })
	if c.refused && ctx.Err() == nil {
		// Not every primary knows IXFR, or says what fits (RFC 1995, section 4).
		why := err
		if copied, err = c.over(ctx, func() (*mirror.Copy, error) { return c.transfer(nil) }); err != nil {
			err = fmt.Errorf("what changed: %w; the whole: %w", why, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("taking %s from %s: %w", z.name, z.primary.Address, errors.Join(err, ctx.Err()))
	}
	return copied, nil
}

// conveyor asks a primary, over one connection after another.
type conveyor struct {
	net.Conn
	zone   *zone
	tables *tables
	chain  chain
	buf    []byte

	refused bool // an IXFR failed
}

// over does something over a connection of its own, which ends with it, or with ctx.
func (c *conveyor) over(ctx context.Context, do func() (*mirror.Copy, error)) (*mirror.Copy, error) {
	if err := c.dial(ctx); err != nil {
		return nil, err
	}
	conn := c.Conn // c has another one later
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return do()
}

func (c *conveyor) dial(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, takeMessage)
	defer cancel()
	to := c.zone.primary
	if to.TLS == nil {
		c.Conn, err = new(net.Dialer).DialContext(ctx, "tcp", to.Address.String())
	} else if c.Conn, err = (&tls.Dialer{Config: to.TLS}).DialContext(ctx, "tcp", to.Address.String()); err != nil {
		err = fmt.Errorf("over TLS as %s: %w", to.TLS.ServerName, err)
	}
	return err
}

// take asks for the serial first, and then for no more than is needed.
func (c *conveyor) take(have *uint32) (*mirror.Copy, error) {
	soa, err := c.serial()
	switch {
	case err != nil:
		return nil, err
	case have == nil:
		return c.transfer(nil)
	case soa.Serial == *have:
		in := newIntake(c.zone, c.tables, have)
		in.begin(soa)
		in.copy.Form = mirror.Current
		return in.copy, nil
	case int32(soa.Serial-*have) < 0: // RFC 1982
		return nil, fmt.Errorf("the primary went back from serial %d to %d: what is here stays", *have, soa.Serial)
	}
	copied, err := c.transfer(have)
	c.refused = err != nil
	return copied, err
}

func (c *conveyor) serial() (*dns.SOA, error) {
	m, err := c.ask(new(dns.Msg).SetQuestion(c.zone.name, dns.TypeSOA))
	if err != nil {
		return nil, err
	}
	for _, rr := range m.Answer {
		if soa, ok := rr.(*dns.SOA); ok && m.Authoritative && dns.CanonicalName(soa.Hdr.Name) == c.zone.name {
			return soa, nil
		}
	}
	return nil, errors.New("it does not answer for the zone")
}

// transfer takes the zone, or what changed since a serial.
func (c *conveyor) transfer(have *uint32) (*mirror.Copy, error) {
	question := new(dns.Msg).SetAxfr(c.zone.name)
	if have != nil {
		question.SetIxfr(c.zone.name, *have, c.zone.soa.Ns, c.zone.soa.Mbox)
	}
	in := newIntake(c.zone, c.tables, have)
	m, err := c.ask(question)
	for err == nil {
		if err = in.message(m); err != nil || in.done() {
			break
		}
		m, err = c.next(question.Id)
	}
	if err == nil {
		err = c.chain.end()
	}
	if err != nil {
		return nil, err
	}
	return in.copy, nil
}

// ask sends a question, signed where there is a key, and reads the first message of
// its answer.
func (c *conveyor) ask(q *dns.Msg) (*dns.Msg, error) {
	q.RecursionDesired = false
	var raw []byte
	var err error
	if c.chain = (chain{key: c.zone.primaryKey}); c.chain.key != nil {
		q.SetTsig(c.chain.key.name, c.chain.key.algorithm, tsigFudge, time.Now().Unix())
		raw, c.chain.mac, err = dns.TsigGenerateWithProvider(q, c.tables.keys, "", false)
	} else {
		raw, err = q.Pack()
	}
	if err != nil {
		return nil, err
	}
	_ = c.SetWriteDeadline(time.Now().Add(takeMessage))
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)); err != nil {
		return nil, err
	}
	return c.next(q.Id)
}

// next reads a message. Each has its time: a primary that drips holds up nothing but
// this transfer, and not for ever.
func (c *conveyor) next(id uint16) (*dns.Msg, error) {
	_ = c.SetReadDeadline(time.Now().Add(takeMessage))
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, fmt.Errorf("the transfer stopped in the middle: %w", err)
	}
	if c.buf == nil {
		c.buf = make([]byte, tcpSize)
	}
	raw := c.buf[:binary.BigEndian.Uint16(length[:])]
	if _, err := io.ReadFull(c, raw); err != nil {
		return nil, fmt.Errorf("the transfer stopped in the middle: %w", err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		return nil, fmt.Errorf("it sent what is no message: %w", err)
	}
	switch {
	case m.Id != id || !m.Response:
		return nil, errors.New("it sent what is no answer to the question")
	case m.Rcode != dns.RcodeSuccess:
		return nil, fmt.Errorf("it answers %s%s", dns.RcodeToString[m.Rcode], tsigTrouble(m))
	}
	return m, c.chain.verify(raw, m)
}

// tsigTrouble says what the primary finds wrong with a signature.
func tsigTrouble(m *dns.Msg) string {
	if t := m.IsTsig(); t != nil && t.Error != 0 {
		return fmt.Sprintf(" (%s): look at the key and the clocks", dns.RcodeToString[int(t.Error)])
	}
	return ""
}

// chain checks the signatures of a stream of messages: of the first, of the last,
// and of one in a hundred between, which signs those before it too (RFC 8945,
// section 5.3.1).
type chain struct {
	key      *key
	mac      string // of the message before, in hexadecimal
	begun    bool   // a message was signed
	pending  []byte // messages since
	unsigned int
}

func (c *chain) verify(raw []byte, m *dns.Msg) error {
	switch signed := m.IsTsig() != nil; {
	case c.key == nil:
		return nil
	case !signed && (!c.begun || c.unsigned == mostUnsigned):
		return errors.New("it does not sign its answer")
	case !signed:
		c.pending, c.unsigned = append(c.pending, raw...), c.unsigned+1
		return nil
	}
	if err := dns.TsigVerifyWithProvider(raw, c, c.mac, c.begun); err != nil {
		return fmt.Errorf("its signature is not good: %w", err)
	}
	c.mac, c.begun, c.pending, c.unsigned = m.IsTsig().MAC, true, c.pending[:0], 0
	return nil
}

func (c *chain) end() error {
	if c.unsigned > 0 {
		return errors.New("it does not sign the end of the transfer")
	}
	return nil
}

// Generate makes a chain a dns.TsigProvider, which signs nothing.
func (c *chain) Generate([]byte, *dns.TSIG) ([]byte, error) { return nil, dns.ErrSecret }

// Verify makes a chain a dns.TsigProvider. What is signed begins with the signature
// before, behind which stand the messages that had none.
func (c *chain) Verify(message []byte, t *dns.TSIG) error {
	at := 2 + len(c.mac)/2
	whole := append(append(message[:at:at], c.pending...), message[at:]...)
	return keys{c.key.name: c.key}.Verify(whole, t)
}
