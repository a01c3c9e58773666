package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// rules say what is a right answer from one server.
type rules struct {
	echo    bool   // the reply is the query
	edns    bool   // the server answers OPT with OPT
	anyCode bool   // any address will do
	text    string // how a TXT string begins
}

// Reasons why an answer is wrong.
var (
	errShort    = errors.New("reply shorter than its header and question")
	errEcho     = errors.New("echo differs from the query")
	errHeader   = errors.New("not an untruncated authoritative answer")
	errQuestion = errors.New("question not echoed")
	errCount    = errors.New("wrong number of answers")
	errRecord   = errors.New("malformed record")
	errContent  = errors.New("wrong contents of the answer")
	errSOA      = errors.New("negative answer without SOA")
	errOPT      = errors.New("OPT missing")
)

type rcodeError struct{ got, want byte }

func (e rcodeError) Error() string { return fmt.Sprintf("rcode %d, want %d", e.got, e.want) }

// checkHead checks what every reply is checked for: header bits, rcode and counts.
func (ru rules) checkHead(q, reply []byte, w want) error {
	if ru.echo {
		if len(q) != len(reply) {
			return errEcho
		}
		return nil
	}
	if len(reply) < headerLen {
		return errShort
	}
	// QR and AA set; opcode and TC clear.
	if reply[2]&^1 != 0x84 {
		return errHeader
	}
	code, answers := byte(rcodeMissing), uint16(0)
	if w&wantListed != 0 {
		code, answers = rcodeOK, 1
	}
	if got := reply[3] & 15; got != code {
		return rcodeError{got, code}
	}
	if binary.BigEndian.Uint16(reply[4:]) != 1 || binary.BigEndian.Uint16(reply[6:]) != answers {
		return errCount
	}
	return nil
}

// checkBody checks the rest, for a sample of replies: question, answer record, SOA, OPT.
func (ru rules) checkBody(q, reply []byte, w want) error {
	if ru.echo {
		if !bytes.Equal(q[2:], reply[2:]) {
			return errEcho
		}
		return nil
	}
	end := len(q)
	if w&wantEDNS != 0 {
		end -= optLen
	}
	if len(reply) < end {
		return errShort
	}
	if !bytes.Equal(q[headerLen:end], reply[headerLen:end]) {
		return errQuestion
	}
	return ru.checkRecords(reply, end, w)
}

// checkRecords walks all records that the header announces.
func (ru rules) checkRecords(reply []byte, off int, w want) error {
	answers, authority := int(binary.BigEndian.Uint16(reply[6:])), int(binary.BigEndian.Uint16(reply[8:]))
	total := answers + authority + int(binary.BigEndian.Uint16(reply[10:]))
	var soa, opt bool
	for i := range total {
		rr, next, ok := readRecord(reply, off)
		if !ok {
			return errRecord
		}
		off = next
		switch {
		case i < answers && !ru.rightAnswer(rr, w):
			return errContent
		case i >= answers && i < answers+authority && rr.typ == typeSOA:
			soa = true
		case i >= answers+authority && rr.typ == typeOPT:
			opt = true
		}
	}
	if off != len(reply) {
		return errRecord
	}
	if w&wantListed == 0 && !soa {
		return errSOA
	}
	if w&wantEDNS != 0 && ru.edns && !opt {
		return errOPT
	}
	return nil
}

func (ru rules) rightAnswer(rr record, w want) bool {
	if w&wantTXT == 0 {
		return rr.typ == typeA && (ru.anyCode || bytes.Equal(rr.data, []byte{127, 0, 0, codeOctet}))
	}
	if rr.typ != typeTXT || len(rr.data) < 2 || int(rr.data[0]) != len(rr.data)-1 {
		return false
	}
	return bytes.HasPrefix(rr.data[1:], []byte(ru.text))
}

type record struct {
	typ  uint16
	data []byte
}

// readRecord reads the resource record at off (RFC 1035, section 4.1.3).
func readRecord(b []byte, off int) (rr record, next int, ok bool) {
	off, ok = skipName(b, off)
	if !ok || off+10 > len(b) {
		return rr, 0, false
	}
	rr.typ = binary.BigEndian.Uint16(b[off:])
	n := int(binary.BigEndian.Uint16(b[off+8:]))
	off += 10
	if off+n > len(b) {
		return rr, 0, false
	}
	rr.data = b[off : off+n]
	return rr, off + n, true
}

// skipName steps over a name, compressed or not.
func skipName(b []byte, off int) (int, bool) {
	for off < len(b) {
		switch n := int(b[off]); {
		case n == 0:
			return off + 1, true
		case n >= 0xc0:
			return off + 2, off+2 <= len(b)
		default:
			off += 1 + n
		}
	}
	return 0, false
}
