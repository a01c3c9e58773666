package delist

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

func triage(t testing.TB, text string) removal.Finding {
	t.Helper()
	f, err := Triage(context.Background(), strings.NewReader(text), Ours{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Each file in testdata/triage opens with what is to be found; a line that is
// not there asks for nothing.
func TestTriage(t *testing.T) {
	files, err := filepath.Glob("testdata/triage/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			head, text, _ := strings.Cut(string(raw), "----\n")
			for _, ending := range []string{"\n", "\r\n"} {
				f := triage(t, strings.ReplaceAll(text, "\n", ending))
				got := map[string]string{"address": "", "helo": f.HELO, "ptr": strings.Join(f.PTR, " "), "time": "",
					"references": strings.Join(f.References, " "), "automatic": map[bool]string{true: "yes"}[f.Automatic != ""]}
				if f.Address != nil {
					got["address"] = f.Address.String()
				}
				if f.Time != nil {
					got["time"] = f.Time.Format(time.RFC3339)
				}
				var all, kinds []string
				for _, a := range f.Candidates {
					all = append(all, a.String())
				}
				for _, c := range f.Claims {
					kinds = append(kinds, string(c.Kind))
				}
				got["candidates"], got["kinds"] = strings.Join(all, " "), strings.Join(kinds, " ")
				for line := range strings.Lines(head) {
					key, want, _ := strings.Cut(strings.TrimSpace(line), ":")
					if want = strings.TrimSpace(want); got[key] != want {
						t.Errorf("%s: %q, want %q", key, got[key], want)
					}
				}
				if f.Human != (f.Address == nil) {
					t.Errorf("human %t", f.Human)
				}
				sound(t, f)
			}
		})
	}
}

// The case that the project comes from.
func TestTriage2006(t *testing.T) {
	raw, err := os.ReadFile("testdata/support-case-2006.txt")
	if err != nil {
		t.Fatal(err)
	}
	f := triage(t, string(raw))
	sound(t, f)
	if f.Address == nil || f.Address.String() != "216.133.162.187" || len(f.Candidates) != 1 || f.Human {
		t.Errorf("address %v of %v, human %t", f.Address, f.Candidates, f.Human)
	}
	if f.HELO != "mail.mnjtech.com" || !slices.Equal(f.PTR, []string{"mail.mnjtech.com"}) || !slices.Equal(f.References, []string{"1425832"}) {
		t.Errorf("helo %q, ptr %q, references %q", f.HELO, f.PTR, f.References)
	}
	if want := time.Date(2006, 12, 15, 21, 48, 50, 0, time.UTC); f.Time == nil || !f.Time.Equal(want) {
		t.Errorf("time %v, want %v", f.Time, want)
	}
	kinds := map[removal.ClaimKind]removal.Claim{}
	for _, c := range f.Claims {
		kinds[c.Kind] = c
	}
	for _, k := range []removal.ClaimKind{removal.ClaimReceived, removal.ClaimTelnet, removal.ClaimBanner, removal.ClaimRDNS, removal.ClaimRcpt} {
		if _, ok := kinds[k]; !ok {
			t.Errorf("no claim of kind %s", k)
		}
	}
	if !strings.Contains(kinds[removal.ClaimBanner].Proves, "inbound information") || !strings.Contains(kinds[removal.ClaimBanner].DoesNotProve, "HELO") {
		t.Errorf("the banner: %+v", kinds[removal.ClaimBanner])
	}
	if !kinds[removal.ClaimReceived].Confirmed {
		t.Error("the name in the Received line is forward-confirmed")
	}
	if f := triage(t, string(raw)+"\nSee also incident 1424158."); !slices.Equal(f.References, []string{"1425832", "1424158"}) {
		t.Errorf("references %q", f.References)
	}
}

func TestFindingJSON(t *testing.T) {
	raw, err := json.Marshal(triage(t, "nothing here"))
	if want := `{"address":null,"candidates":[],"helo":"","ptr":[],"time":null,"references":[],"claims":[],"listed_then":null,"human":true}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
	raw, err = json.Marshal(triage(t, "unblock 192.0.2.7, PTR record is set, case 1425832"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"address":"192.0.2.7","candidates":["192.0.2.7"]`, `"references":["1425832"]`, `"human":false`, `"claims":[{"kind":"rdns","text":"`, `"does_not_prove":"`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("%s lacks %s", raw, want)
		}
	}
}

func TestExclude(t *testing.T) {
	f := triage(t, "our 192.0.2.7 cannot reach your 198.51.100.9")
	if !f.Human || len(f.Candidates) != 2 {
		t.Fatalf("%+v", f)
	}
	f.Exclude(func(a netip.Addr) bool { return a == other })
	if f.Human || f.Address == nil || *f.Address != sender {
		t.Errorf("%+v", f)
	}
	f.Exclude(func(netip.Addr) bool { return true })
	if !f.Human || f.Address != nil {
		t.Errorf("%+v", f)
	}
}

func TestTriageReading(t *testing.T) {
	long := "unblock 192.0.2.7 " + strings.Repeat("please ", maxMail/7) + " 203.0.113.25"
	f := triage(t, long)
	if !f.Cut || !f.Human || len(f.Candidates) != 1 {
		t.Errorf("cut %t, human %t, candidates %v", f.Cut, f.Human, f.Candidates)
	}
	if _, err := Triage(context.Background(), iotest.ErrReader(errors.New("gone")), Ours{}); err == nil {
		t.Error("an error of reading was lost")
	}
}

// An answer to a letter of ours, which it quotes, is about the same address.
func TestTriageReplyToLetter(t *testing.T) {
	s := signer(t, testKey)
	for _, code := range []removal.Code{removal.OKSelf, removal.StillOffending, removal.NoProof} {
		lf := facts(code, seen(t, listing.BareIP))
		lf.Reference = s.Reference(removal.Reference{Address: sender, Time: noon, Code: code})
		text, err := letters(t).Render(lf)
		if err != nil {
			t.Fatal(err)
		}
		f := triage(t, "From: Joe <joe@sender.example>\nTo: desk@bl.example\nSubject: Re: "+Subject(lf)+"\n\nIt is fixed now.\n\n> "+strings.ReplaceAll(text, "\n", "\n> "))
		if f.Address == nil || *f.Address != sender {
			t.Errorf("%s: candidates %v", code, f.Candidates)
		}
		for _, ref := range []string{lf.Reference, lf.Ticket, "rt:1425832"} {
			if !slices.Contains(f.References, ref) {
				t.Errorf("%s: references %q lack %s", code, f.References, ref)
			}
		}
		if f.Automatic != "" || f.From != "Joe <joe@sender.example>" {
			t.Errorf("automatic %q, from %q", f.Automatic, f.From)
		}
	}
}

// sound holds for whatever was read.
func sound(t testing.TB, f removal.Finding) {
	t.Helper()
	if (f.Address == nil) != (len(f.Candidates) != 1) || (f.Address == nil && !f.Human) {
		t.Errorf("address %v, human %t, candidates %v", f.Address, f.Human, f.Candidates)
	}
	if len(f.Candidates) > maxCandidates || len(f.Claims) > maxClaims || len(f.References) > mostReferences {
		t.Errorf("%d candidates, %d claims, %d references", len(f.Candidates), len(f.Claims), len(f.References))
	}
	for _, a := range f.Candidates {
		if _, never := (listing.Policy{}).Protects(listing.HostSubject(a)); never || a != listing.Canonical(a) {
			t.Errorf("candidate %s", a)
		}
	}
	text := append([]string{f.HELO, f.Automatic}, append(f.PTR, f.References...)...)
	for _, c := range f.Claims {
		text = append(text, c.Text, c.Proves, c.DoesNotProve)
		if c.Proves == "" || c.DoesNotProve == "" || c.Text == "" {
			t.Errorf("claim %+v", c)
		}
	}
	for _, s := range text {
		if listing.Printable(s) != s || len(s) > 2*maxText {
			t.Errorf("not printable or too long: %q", s)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

func FuzzTriage(f *testing.F) {
	files, err := filepath.Glob("testdata/triage/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(files, "testdata/support-case-2006.txt") {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		_, text, found := bytes.Cut(raw, []byte("----\n"))
		if !found {
			text = raw
		}
		f.Add(text)
	}
	l := letters(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := Triage(context.Background(), bytes.NewReader(raw), Ours{})
		if err != nil {
			t.Fatal(err)
		}
		sound(t, found)
		lf := facts(removal.OKSelf, seen(t, listing.BareIP))
		lf.Finding = &found
		text, err := l.Render(lf)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			plain := strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "×", "x")
			if len(plain) > columns || listing.Printable(plain) != plain {
				t.Fatalf("line %q", line)
			}
		}
	})
}

// The identifiers of our tickets are found in mails.
func TestOwnNumbers(t *testing.T) {
	if id := removal.NewID('T'); !ourOwn.MatchString(id) {
		t.Errorf("%q is not found", id)
	}
}

// A refusal that names another list is said to be that list's. It asks us for
// nothing.
func TestRefusalOfAnotherList(t *testing.T) {
	ours := []string{"bl.example", "www.bl.example"}
	for text, want := range map[string]string{
		"554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.other.example; https://www.other.example/query/ip/192.0.2.7": "zen.other.example",
		"550 5.7.1 [192.0.2.7] is listed by dnsbl.other.example":                                                                               "dnsbl.other.example",
		"550 Mail rejected. RBL: bl.other.example, 192.0.2.7":                                                                                  "bl.other.example",
		"554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.example; 192.0.2.7 was listed":                                "",
		"554 5.7.1 Client host [192.0.2.7] blocked using lists.receiver.example; https://www.bl.example/192.0.2.7":                             "",
		"550 5.1.1 <joe@receiver.example>: Recipient address rejected; Client host [192.0.2.7]":                                                "",
	} {
		f, err := Triage(t.Context(), strings.NewReader("From: joe@sender.example\nDate: x\n\nhost mx.receiver.example said:\n"+text+"\n"), Ours{Names: ours})
		if err != nil || f.OtherList != want || f.Address == nil || f.Address.String() != "192.0.2.7" || f.Asks != (want == "") {
			t.Errorf("%s: the list %q, address %v, asks %t, %v", text, f.OtherList, f.Address, f.Asks, err)
		}
		for _, c := range f.Claims {
			if want != "" && c.Kind == removal.ClaimBounce && !strings.Contains(c.DoesNotProve, "another one") {
				t.Errorf("%s: it does not prove %s", text, c.DoesNotProve)
			}
		}
	}
	facts := LetterFacts{Zone: "bl.example", Address: sender, Now: noon, Decision: removal.Decision{Code: removal.NotListed, Sentence: "It is not listed."},
		Finding: &removal.Finding{OtherList: "zen.other.example"}}
	letters, err := NewLetters(nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := letters.Render(facts); err != nil || !strings.Contains(strings.Join(strings.Fields(text), " "), "names zen.other.example. That is another list, not ours") {
		t.Errorf("%v\n%s", err, text)
	}
}
