package zone

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/dchest/siphash"
)

// Cookies are DNS cookies (RFC 7873): by them a client that is really where it
// says it is can be told from one whose address is forged. Server cookies are
// the interoperable ones, version 1 (RFC 9018), so that all servers of one
// address can share secrets.
type Cookies struct {
	// Secrets are 16 octets each in hexadecimal. Cookies are made by the
	// first, and taken by all: to roll over, put the new one second on every
	// server, then first, then leave the old one out (RFC 9018, section 5).
	// None: one that lasts as long as the server.
	Secrets []string

	// Demand has whoever speaks of cookies over UDP show a good one before it
	// is answered (BADCOOKIE). Those who do not are answered as ever.
	Demand bool
}

// Parts of a COOKIE option, in octets.
const (
	clientCookie  = 8
	serverCookie  = 16 // of ours: version, 3 reserved, time, hash
	wholeCookie   = clientCookie + serverCookie
	leastServer   = 8 // of anybody's
	mostServer    = 32
	cookieTime    = clientCookie + 4 // where it begins
	cookieHash    = clientCookie + 8
	cookieVersion = 1
	secretSize    = 16
	mostSecrets   = 8
	cookieLife    = 3600 // seconds that a cookie is good for
	cookieAhead   = 300  // that its time may be ahead of ours
	cookieRenewed = 1800 // after which it is replaced
	hashedAtMost  = cookieHash + 16
)

// secret is the key of a hash.
type secret [2]uint64

func newSecret(raw []byte) secret {
	return secret{binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])}
}

func randomSecret() secret {
	var raw [secretSize]byte
	rand.Read(raw[:]) // never fails
	return newSecret(raw[:])
}

// jar makes cookies and knows them again.
type jar struct {
	secrets []secret
	demand  bool
}

// demands reports whether a client that asks over UDP is first to show a good
// cookie.
func (j *jar) demands(client trust) bool {
	return j.demand && (client == newcomer || client == badCookie)
}

// compile makes the configuration ready. With no secrets the jar is left
// without: the server has one.
func (c Cookies) compile(p *problems) jar {
	j := jar{demand: c.Demand}
	p.Unless(len(c.Secrets) <= mostSecrets, "cookies: up to %d secrets", mostSecrets)
	for n, text := range c.Secrets {
		raw, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil || len(raw) != secretSize { // a secret is not repeated in an error
			p.Add(fmt.Errorf("cookies: secret %d: write it as %d hexadecimal digits", n+1, 2*secretSize))
			continue
		}
		j.secrets = append(j.secrets, newSecret(raw))
	}
	return j
}

// isCookie reports whether a COOKIE option is of a size it may have (RFC 7873,
// section 5.2.2).
func isCookie(size int) bool {
	return size == clientCookie || (size >= clientCookie+leastServer && size <= clientCookie+mostServer)
}

// trust is what a cookie says of a client.
type trust uint8

const (
	noCookie    trust = iota
	newcomer          // it has no server cookie yet
	badCookie         // it has one that is not ours, not its own or too old
	knownClient       // it has been here before, or knows who has
)

// reply is what to answer to a COOKIE option: the same cookie, or a new one
// that the client is to use from now on. sent is nil if there was none.
func (j *jar) reply(sent []byte, from netip.Addr, now uint32) (answer [wholeCookie]byte, t trust) {
	switch {
	case sent == nil:
		return answer, noCookie
	case len(sent) == clientCookie:
		t = newcomer
	default:
		n := j.maker(sent, from, now)
		if t = badCookie; n >= 0 {
			t = knownClient
		}
		if n == 0 && now-binary.BigEndian.Uint32(sent[cookieTime:])+cookieAhead <= cookieRenewed+cookieAhead {
			return [wholeCookie]byte(sent), t
		}
	}
	copy(answer[:], sent[:clientCookie])
	answer[clientCookie] = cookieVersion
	binary.BigEndian.PutUint32(answer[cookieTime:], now)
	binary.LittleEndian.PutUint64(answer[cookieHash:], j.secrets[0].hash(answer[:cookieHash], from))
	return answer, t
}

// maker is the number of the secret that a cookie was made by for this client,
// not too long ago; negative if there is none.
func (j *jar) maker(sent []byte, from netip.Addr, now uint32) int {
	if len(sent) != wholeCookie || sent[clientCookie] != cookieVersion {
		return -1
	}
	if age := now - binary.BigEndian.Uint32(sent[cookieTime:]); age+cookieAhead > cookieLife+cookieAhead { // RFC 1982
		return -1
	}
	for n := range j.secrets {
		if j.secrets[n].hash(sent[:cookieHash], from) == binary.LittleEndian.Uint64(sent[cookieHash:]) {
			return n
		}
	}
	return -1
}

// hash is that of what stands before it in a cookie, and of the client's
// address (RFC 9018, section 4.4).
func (s *secret) hash(before []byte, from netip.Addr) uint64 {
	var b [hashedAtMost]byte
	n := copy(b[:], before)
	if from.Is4() {
		a := from.As4()
		n += copy(b[n:], a[:])
	} else if from.IsValid() {
		a := from.As16()
		n += copy(b[n:], a[:])
	}
	return siphash.Hash(s[0], s[1], b[:n])
}
