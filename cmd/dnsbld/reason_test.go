package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/scripts/dev/freeport"
)

// To add a reason is to say what it is in one place: all that is made from the
// catalogue has it. One of a kind needs the evidence of its kind.
func TestAddedReason(t *testing.T) {
	text := func(s string) *string { return &s }
	trap := config.Reason{Code: 117, Symbol: text("grey-trap"), Text: text("wrote to a trap of ours"), Explain: text("Nobody ever gave the trap's address away.")}
	kind := listing.BasisHELO
	named := config.Reason{Code: 118, Symbol: text("helo-shouting"), Kind: &kind, Text: text("greeted us in capitals"), Explain: text("Capitals are harmless, but these were not.")}
	web, dns := freeport.Address(t), freeport.Address(t)
	r := start(t, shortDir(t), func(f *config.File) {
		f.Reasons, f.Listen.Web, f.Listen.DNS = []config.Reason{trap, named}, web, []string{dns}
	})
	for reason, s := range map[string]string{"grey-trap": "192.0.2.117", "helo-shouting": "192.0.2.118"} {
		subject, err := listing.ParseSubject(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.client.Add(t.Context(), listing.Add{Subject: subject, Reason: reason, HELO: "MAIL", For: listing.Life(listing.Day)}); err != nil {
			t.Fatal(err)
		}
	}
	page := func(path string) string {
		res, err := http.Get("http://" + web + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	_, answers, _ := ask(t, dns, "117.2.0.192.bl.test.", dnsmessage.TypeTXT)
	txt, ok := answers[0].Body.(*dnsmessage.TXTResource)
	if !ok {
		t.Fatalf("DNS answers %v", answers)
	}
	shown, err := r.client.Show(t.Context(), listing.HostSubject(netip.MustParseAddr("192.0.2.117")))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	letter, err := r.client.Letter(t.Context(), ctl.LetterQuery{Address: netip.MustParseAddr("192.0.2.117"), Ticket: ""})
	if err != nil {
		t.Fatal(err)
	}
	infos := append(listing.DefaultReasons(), listing.ReasonInfo{Code: 117, Symbol: "grey-trap", Text: *trap.Text, Explanation: *trap.Explain})
	for where, what := range map[string][2]string{
		"DNS":      {strings.Join(txt.TXT, ""), *trap.Text},
		"show":     {string(asJSON), "grey-trap"},
		"page":     {page("/192.0.2.117"), strings.ReplaceAll(*trap.Explain, "'", "&#39;")},
		"letter":   {strings.Join(strings.Fields(letter.Letter), " "), *trap.Explain},
		"criteria": {page("/criteria"), "grey-trap"},
		"manual":   {reasonsPart(infos), `grey\-trap`},
	} {
		if !strings.Contains(what[0], what[1]) {
			t.Errorf("%s does not say %q:\n%s", where, what[1], what[0])
		}
	}

	got, err := r.client.Letter(t.Context(), ctl.LetterQuery{Address: netip.MustParseAddr("192.0.2.118"), Ticket: ""})
	if err == nil || !strings.Contains(err.Error(), "the server that saw it") {
		t.Errorf("a listing for a greeting is upheld without saying who saw it: %v\n%s", err, got.Letter)
	}
}
