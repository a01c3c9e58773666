package zone

import (
	"encoding/binary"
	"testing"

	"github.com/miekg/dns"

	"dnsbld/costtest"
)

// A message costs as much as it is long, whatever its header promises and wherever
// its names point, also where it claims to be signed: records by the thousand, names
// that point to names that point.
func TestMessageCost(t *testing.T) {
	b := newServer(t, config(t), fuzzList)
	const question = "\x017\x012\x010\x03192\x02bl\x04test\x00\x00\x01\x00\x01"
	header := func(flags uint16, questions, answers, additional int) string {
		var h [headerSize]byte
		for n, v := range []int{7, int(flags), questions, answers, 0, additional} {
			binary.BigEndian.PutUint16(h[2*n:], uint16(v))
		}
		return string(h[:])
	}
	long := pack(t, new(dns.Msg).SetQuestion("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.example.", dns.TypeA))
	for about, tt := range map[string]struct{ before, piece string }{
		"records":    {header(0, 1, 0xffff, 0) + question, "\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"},
		"questions":  {header(0, 0xffff, 0, 0), question},
		"pointers":   {header(0, 1, 0xffff, 0) + question, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00\x00\x02"},
		"to a name":  {string(long[:headerSize-6]) + "\xff\xff\x00\x00\x00\x00" + string(long[headerSize:]), "\xc0\x0c\x00\x02\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c"},
		"chains":     {header(0, 1, 0xffff, 0) + question, "\x01a\xc0\x0c\x00\x02\x00\x01\x00\x00\x00\x00\x00\x04\x01b\xc0\x1d"},
		"options":    {header(0, 1, 0, 1) + question + "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\xff\xf0", "\x00\x0c\x00\x01\x00"},
		"OPT":        {header(0, 1, 0, 0xffff) + question, "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"},
		"signatures": {header(0, 1, 0, 0xffff) + question, "\x01k\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x00"},
		"labels":     {header(0, 1, 0, 0), "\x01a"},
		"update":     {header(0x2800, 1, 0xffff, 0) + question, "\xc0\x0c\x00\xff\x00\xff\x00\x00\x00\x00\x00\x00"},
		"notify":     {header(0x2400, 1, 0xffff, 0) + question, "\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x00\x00\x00"},
		"nothing":    {header(0, 1, 0, 0) + question, "\x00"},
	} {
		t.Run(about, func(t *testing.T) {
			for _, over := range []Transport{UDP, TCP} {
				costtest.Linear(t, tcpSize-1000, tt.before, tt.piece, "", func(raw []byte) { b.answer(raw, over) })
			}
		})
	}
}
