package mta

import (
	"bufio"
	"bytes"
	"errors"
	"slices"

	"dnsbld/listing/helo"
)

// attribute is one that we read; Postfix sends some thirty.
type attribute int

const (
	attrRequest attribute = iota
	attrState
	attrProtocol
	attrClientAddress
	attrClientName
	attrClientPort
	attrServerAddress
	attrServerPort
	attrHELO
	attrSender
	attrRecipient
	attrInstance
	attrSASLUser
	attributes // how many
)

// attributeNames are the names on the wire, by attribute (SMTPD_POLICY_README of Postfix).
var attributeNames = [attributes]string{
	"request", "protocol_state", "protocol_name", "client_address", "client_name", "client_port", "server_address", "server_port",
	"helo_name", "sender", "recipient", "instance", "sasl_username",
}

// policyRequest is one request: lines of name=value, in any order, and an empty one:
//
//	request=smtpd_access_policy
//	protocol_state=RCPT
//	protocol_name=ESMTP
//	client_address=203.0.113.7
//	helo_name=192.0.2.25
//	recipient=user@rcpt.example
//	instance=123.6746f1a3.4b2c1.0
//
// Its memory is used again for the next request.
type policyRequest struct {
	values   [attributes][]byte
	has      [attributes]bool
	started  bool  // something of it was read
	overlong int64 // attributes that were too long
	spoilt   bool  // one of them was one that we read
}

// read reads the next request. Lines that are no attributes, attributes that are unknown and those
// that are too long are passed over; of one that comes twice, the last counts.
func (r *policyRequest) read(in *bufio.Reader) error {
	for i := range r.values {
		r.values[i], r.has[i] = r.values[i][:0], false
	}
	r.started, r.overlong, r.spoilt = false, 0, false
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := r.skip(line, in); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			r.started = r.started || len(line) > 0
			return err
		}
		line = line[:len(line)-1]
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return nil
		}
		r.started = true
		r.set(line)
	}
}

// skip passes over the rest of a line that starts with line.
func (r *policyRequest) skip(line []byte, in *bufio.Reader) error {
	name, _, _ := bytes.Cut(line, []byte("="))
	r.spoilt = r.spoilt || slices.Contains(attributeNames[:], string(name))
	r.started = true
	r.overlong++
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (r *policyRequest) set(line []byte) {
	name, value, ok := bytes.Cut(line, []byte("="))
	if a := slices.Index(attributeNames[:], string(name)); ok && a >= 0 {
		r.values[a], r.has[a] = append(r.values[a][:0], value...), true
	}
}

func (r *policyRequest) value(a attribute) []byte { return r.values[a] }

// stage is how far the SMTP session is.
type stage int

const (
	stageIgnored   stage = iota // CONNECT, VRFY, ETRN and states that we do not know
	stageGreeting               // HELO, EHLO
	stageMail                   // MAIL, RCPT, DATA, END-OF-MESSAGE: the time for a greeting is over
	stageMalformed              // not a request, or one that lacks what it must have
)

func (r *policyRequest) stage() stage {
	if string(r.values[attrRequest]) != "smtpd_access_policy" || r.spoilt ||
		!r.has[attrState] || !r.has[attrClientAddress] || !r.has[attrHELO] {
		return stageMalformed
	}
	switch string(r.values[attrState]) {
	case "HELO", "EHLO":
		return stageGreeting
	case "MAIL", "RCPT", "DATA", "END-OF-MESSAGE":
		return stageMail
	}
	return stageIgnored
}

// describe sets what a request says of the client, beside its address and greeting.
func (r *policyRequest) describe(s *helo.Session) {
	s.Auth = s.Auth || len(r.values[attrSASLUser]) > 0
	port := string(r.values[attrServerPort])
	s.Submission = s.Submission || port == "587" || port == "465"
	if server, ok := parseClient(r.values[attrServerAddress]); ok {
		s.OurIPs = union(s.OurIPs, append(s.OurIPs[:0:0], server))
	}
	// client_name leads back to the address; reverse_client_name need not, and "unknown" says no
	// more than that.
	if name := r.values[attrClientName]; len(name) > 0 && string(name) != "unknown" && len(s.PTR) == 0 {
		s.PTR, s.FCrDNS = []string{string(name)}, true
	}
}
