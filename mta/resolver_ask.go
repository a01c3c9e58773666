package mta

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

// errTruncated means that the answer is to be had over TCP.
var errTruncated = errors.New("truncated")

// ask sends a question over UDP, twice if need be, and over TCP if the answer does not fit.
func (r *Resolver) ask(ctx context.Context, q question) Answer {
	e, err := newExchange(q, r.config.MixCase)
	if err != nil {
		return Answer{Status: helo.NXDomain, ttl: noneLife} // no such name can exist
	}
	temp := Answer{Status: helo.TempError}
	for ctx.Err() == nil {
		answer, err := r.askUDP(ctx, e)
		switch {
		case err == nil:
			return answer
		case errors.Is(err, errTruncated):
			if answer, err := r.askTCP(ctx, e); err == nil {
				return answer
			}
			return temp
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return temp
		}
	}
	return temp
}

// askUDP sends the question once. Each has a socket, so a port, of its own.
func (r *Resolver) askUDP(ctx context.Context, e *exchange) (Answer, error) {
	conn, err := r.dial(ctx, "udp", r.config.Retry)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	if _, err := conn.Write(e.message); err != nil {
		return Answer{}, err
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return Answer{}, err
		}
		if answer, ours, err := e.read(buf[:n]); ours {
			return answer, err
		}
	}
}

// askTCP sends the question with its length before it (RFC 1035, section 4.2.2).
func (r *Resolver) askTCP(ctx context.Context, e *exchange) (Answer, error) {
	conn, err := r.dial(ctx, "tcp", r.config.Timeout)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	message := binary.BigEndian.AppendUint16(nil, uint16(len(e.message)))
	if _, err := conn.Write(append(message, e.message...)); err != nil {
		return Answer{}, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return Answer{}, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return Answer{}, err
	}
	answer, ours, err := e.read(buf)
	if !ours {
		return Answer{}, errors.New("answer to another question")
	}
	return answer, err
}

// dial connects, with a deadline for all that follows.
func (r *Resolver) dial(ctx context.Context, network string, limit time.Duration) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, r.config.Server.String())
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(limit)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	if err := conn.SetDeadline(until); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// exchange is one question as it is sent, and what its answer must look like.
type exchange struct {
	id       uint16
	question dnsmessage.Question
	mixed    bool // the answer must spell the name as we did
	message  []byte
}

func newExchange(q question, mixed bool) (*exchange, error) {
	text := []byte(q.name + ".")
	seed := make([]byte, 2+len(text)/8+1)
	rand.Read(seed) // never fails
	if mixed {
		mixCase(text, seed[2:])
	}
	name, err := dnsmessage.NewName(string(text))
	if err != nil {
		return nil, fmt.Errorf("building question: %w", err)
	}
	e := &exchange{
		id:       binary.BigEndian.Uint16(seed),
		question: dnsmessage.Question{Name: name, Type: q.kind, Class: dnsmessage.ClassINET},
		mixed:    mixed,
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: e.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{e.question},
	}
	if e.message, err = m.Pack(); err != nil {
		return nil, fmt.Errorf("building question: %w", err)
	}
	return e, nil
}

// mixCase makes a letter upper case where the bit of seed is set.
func mixCase(name, seed []byte) {
	for i, c := range name {
		if 'a' <= c && c <= 'z' && seed[i/8]>>(i%8)&1 == 1 {
			name[i] = c - 'a' + 'A'
		}
	}
}
