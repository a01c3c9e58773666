package resolve

import (
	"testing"

	"github.com/miekg/dns"

	"dnsbld/costtest"
)

// An answer of a sender's name server costs as much as it is long: records by the
// thousand, aliases in chains, names that point to names that point.
func TestAnswerCost(t *testing.T) {
	sent := new(dns.Msg).SetQuestion("www.sender.example.", dns.TypeA)
	sent.Id = 7
	reply := new(dns.Msg).SetReply(sent)
	raw, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	raw[6], raw[7] = 0xff, 0xff // answers that it promises
	for about, piece := range map[string]string{
		"addresses": "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\xc0\x00\x02\x07",
		"aliases":   "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c",
		"chains":    "\x01a\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x04\x01b\xc0\x0c",
		"texts":     "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00\x00\x02\x01x",
		"labels":    "\x01a",
		"unknown":   "\x00\xff\x00\xff\x00\x00\x00\x00\x00\x00\x00",
	} {
		t.Run(about, func(t *testing.T) {
			costtest.Linear(t, 60_000, string(raw), piece, "", func(message []byte) { _, _, _ = read(message, sent) })
		})
	}
}
