package zone

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// Key is a secret that this server shares with others, to sign what they say to
// each other (TSIG, RFC 8945).
type Key struct {
	Name      string // "secondaries.bl.example", the same on both sides
	Algorithm string // "hmac-sha256" or "hmac-sha512"
	Secret    string // in base64
}

// key is one made ready.
type key struct {
	name, algorithm string // as a zone file has them, in lower case
	wire            string // the name on the wire, in lower case
	hash            func() hash.Hash
	secret          []byte
}

const (
	leastSecret = 16  // octets
	tsigFudge   = 300 // seconds that clocks may differ
)

// Validate says what is wrong with a key.
func (k Key) Validate() error {
	_, err := k.compile()
	return err
}

// compile checks a key.
func (k Key) compile() (*key, error) {
	name, wire, err := wireName(k.Name)
	if err != nil {
		return nil, fmt.Errorf("key: name: %w", err)
	}
	ready := &key{name: name, wire: string(wire.from(0)), algorithm: dns.Fqdn(strings.ToLower(k.Algorithm))}
	switch ready.algorithm {
	case dns.HmacSHA256:
		ready.hash = sha256.New
	case dns.HmacSHA512:
		ready.hash = sha512.New
	default:
		return nil, fmt.Errorf("key %s: algorithm = %s: hmac-sha256 or hmac-sha512", k.Name, listing.Quote(k.Algorithm))
	}
	ready.secret, err = base64.StdEncoding.DecodeString(strings.TrimSpace(k.Secret))
	if err != nil || len(ready.secret) < leastSecret { // a secret is not repeated in an error
		return nil, fmt.Errorf("key %s: secret: write at least %d octets in base64; `dnsbld keygen` makes one", k.Name, leastSecret)
	}
	return ready, nil
}

func (k *key) mac(parts ...[]byte) []byte {
	h := hmac.New(k.hash, k.secret)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// keys are those of a configuration by name.
type keys map[string]*key

// Generate makes keys a dns.TsigProvider.
func (k keys) Generate(message []byte, t *dns.TSIG) ([]byte, error) {
	one, err := k.find(t)
	if err != nil {
		return nil, err
	}
	return one.mac(message), nil
}

// Verify makes keys a dns.TsigProvider.
func (k keys) Verify(message []byte, t *dns.TSIG) error {
	one, err := k.find(t)
	if err != nil {
		return err
	}
	if mac, err := hex.DecodeString(t.MAC); err != nil || !hmac.Equal(mac, one.mac(message)) {
		return dns.ErrSig
	}
	return nil
}

func (k keys) find(t *dns.TSIG) (*key, error) {
	one := k[strings.ToLower(t.Hdr.Name)]
	if one == nil || one.algorithm != strings.ToLower(t.Algorithm) {
		return nil, dns.ErrSecret
	}
	return one, nil
}

// signature is that of a query, and what the answer's needs of it. The zero
// signature is of a query without.
type signature struct {
	key    *key // nil: not signed, or not by a key of ours
	record *dns.TSIG
	mac    []byte // of the message before in this conversation
	sent   bool   // an answer has been signed: the next needs less
	wrong  uint16 // error of TSIG; 0: none
	broken bool   // the record is none
}

// verify checks the signature of a message that has a TSIG record at its end
// (RFC 8945, section 5.2).
func (k keys) verify(message []byte) (s signature) {
	var m dns.Msg
	if m.Unpack(message) != nil || m.IsTsig() == nil {
		return signature{broken: true}
	}
	s.record = m.IsTsig()
	var err error
	if s.mac, err = hex.DecodeString(s.record.MAC); err != nil {
		return signature{broken: true}
	}
	one, err := k.find(s.record)
	if err != nil {
		s.wrong = dns.RcodeBadKey
		return s
	}
	if whole := one.hash().Size(); len(s.mac) < whole {
		s.wrong = dns.RcodeBadTrunc
		s.broken = len(s.mac) < max(10, whole/2)
		return s
	}
	switch err := dns.TsigVerifyWithProvider(message, k, "", false); {
	case errors.Is(err, dns.ErrTime):
		s.key, s.wrong = one, dns.RcodeBadTime
	case err != nil:
		s.wrong = dns.RcodeBadSig
	default:
		s.key = one
	}
	return s
}

// size is how many octets sign adds.
func (s *signature) size() int {
	const fixed = 10 + 16 + 6 // of the record, of its data, and a time
	if s.record == nil {
		return 0
	}
	return len(s.record.Hdr.Name) + len(s.record.Algorithm) + 2 + fixed + 64
}

// sign adds the TSIG record to an answer, if the query was signed. What goes
// wrong with the query's is answered unsigned, but for its time (RFC 8945,
// section 5.2).
func (s *signature) sign(message []byte) []byte {
	if s.record == nil || s.broken {
		return message
	}
	now := uint64(time.Now().Unix())
	var other []byte
	at := now
	if s.wrong == dns.RcodeBadTime {
		other = appendTime(nil, now)
		at = s.record.TimeSigned
	}
	timers := binary.BigEndian.AppendUint16(appendTime(nil, at), tsigFudge)
	var mac []byte
	if s.key != nil {
		before := append(binary.BigEndian.AppendUint16(nil, uint16(len(s.mac))), s.mac...)
		variables := timers
		if !s.sent {
			variables = append(s.head(), timers...)
			variables = binary.BigEndian.AppendUint16(variables, s.wrong)
			variables = append(binary.BigEndian.AppendUint16(variables, uint16(len(other))), other...)
		}
		mac = s.key.mac(before, message, variables)
		s.mac, s.sent = mac, true
	}
	algorithm := packedName(s.record.Algorithm)
	data := append(append([]byte{}, algorithm...), timers...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(mac))), mac...)
	data = append(data, message[:2]...)
	data = binary.BigEndian.AppendUint16(data, s.wrong)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(other))), other...)

	message = append(message, packedName(s.record.Hdr.Name)...)
	message = binary.BigEndian.AppendUint16(message, dns.TypeTSIG)
	message = append(message, 0, dns.ClassANY, 0, 0, 0, 0)
	message = append(binary.BigEndian.AppendUint16(message, uint16(len(data))), data...)
	binary.BigEndian.PutUint16(message[10:], binary.BigEndian.Uint16(message[10:])+1)
	return message
}

// head are the variables that stay: name, class, TTL and algorithm.
func (s *signature) head() []byte {
	return append(append([]byte(s.key.wire), 0, dns.ClassANY, 0, 0, 0, 0), packedName(s.key.algorithm)...)
}

func appendTime(b []byte, seconds uint64) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(seconds>>32))
	return binary.BigEndian.AppendUint32(b, uint32(seconds))
}

// packedName is a name that was unpacked, or made, without an error.
func packedName(name string) []byte {
	buf := make([]byte, maxName+1)
	end, err := dns.PackDomainName(strings.ToLower(name), buf, 0, nil, false)
	if err != nil {
		return []byte{0}
	}
	return buf[:end]
}
