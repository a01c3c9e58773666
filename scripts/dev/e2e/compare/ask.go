package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ask sends one question, again while nothing comes back.
func ask(c net.Conn, name string, kind dnsmessage.Type) (reply, error) {
	q, err := dnsmessage.NewName(name)
	if err != nil {
		return reply{}, err
	}
	id := uint16(time.Now().UnixNano())
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id},
		Questions: []dnsmessage.Question{{Name: q, Type: kind, Class: dnsmessage.ClassINET}}}
	opt := dnsmessage.Resource{Body: &dnsmessage.OPTResource{}}
	if err := opt.Header.SetEDNS0(1232, dnsmessage.RCodeSuccess, false); err != nil {
		return reply{}, err
	}
	opt.Header.Name = dnsmessage.MustNewName(".")
	m.Additionals = append(m.Additionals, opt)
	packet, err := m.Pack()
	if err != nil {
		return reply{}, err
	}
	for range 5 {
		if _, err = c.Write(packet); err != nil {
			return reply{}, err
		}
		var r reply
		if r, err = read(c, id); !errors.Is(err, os.ErrDeadlineExceeded) {
			return r, err
		}
	}
	return reply{}, fmt.Errorf("no answer: %w", err)
}

// read waits for the answer to the question id.
func read(c net.Conn, id uint16) (reply, error) {
	if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return reply{}, err
	}
	for {
		var b [1500]byte
		n, err := c.Read(b[:])
		if err != nil {
			return reply{}, err
		}
		var m dnsmessage.Message
		if err := m.Unpack(b[:n]); err != nil {
			return reply{}, fmt.Errorf("unpacking an answer: %w", err)
		}
		if m.ID == id && m.Response {
			return replyOf(&m), nil
		}
	}
}

func replyOf(m *dnsmessage.Message) reply {
	r := reply{rcode: m.RCode}
	for _, a := range m.Answers {
		switch a := a.Body.(type) {
		case *dnsmessage.AResource:
			r.addresses = append(r.addresses, netip.AddrFrom4(a.A).String())
		case *dnsmessage.TXTResource:
			r.texts = append(r.texts, strings.Join(a.TXT, ""))
		}
	}
	for _, set := range []*[]string{&r.addresses, &r.texts} {
		slices.Sort(*set)
		*set = slices.Compact(*set)
	}
	return r
}
