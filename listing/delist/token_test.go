package delist

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"

	"pgregory.net/rapid"
)

func signer(t testing.TB, key string) *Signer {
	t.Helper()
	s, err := NewSigner([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const testKey = "a key for tests alone"

func codeOf(err error) string {
	var e *listing.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestToken(t *testing.T) {
	s, stand := signer(t, testKey), Stand{Since: ago(time.Hour)}
	good := in(time.Hour)
	token := s.Mint(sender, stand, good)
	if local := "helo+" + string(token); len(local) > 64 || !regexp.MustCompile(`^[a-z0-9+]+$`).MatchString(local) {
		t.Fatalf("local part %q", local)
	}
	changed := func(n int) Token {
		b := []byte(token)
		b[n] = map[bool]byte{true: 'b', false: 'a'}[b[n] == 'a']
		return Token(b)
	}
	for _, c := range []struct {
		name  string
		token Token
		addr  netip.Addr
		stand Stand
		now   time.Time
		want  string
	}{
		{"good", token, sender, stand, noon, ""},
		{"upper case", Token(strings.ToUpper(string(token))), sender, stand, noon, ""},
		{"the mapped form", token, netip.MustParseAddr("::ffff:192.0.2.7"), stand, noon, ""},
		{"the last second", token, sender, stand, good.Add(-time.Second), ""},
		{"expired", token, sender, stand, good, "token-expired"},
		{"another address", token, other, stand, noon, "token-foreign"},
		{"an earlier listing", token, sender, Stand{Since: noon}, noon, "token-superseded"},
		{"another key", signer(t, "another key for tests").Mint(sender, stand, good), sender, stand, noon, "token-forged"},
		{"its expiry changed", changed(2), sender, stand, noon, "token-forged"},
		{"its address changed", changed(10), sender, stand, noon, "token-forged"},
		{"its end changed", changed(30), sender, stand, noon, "token-forged"},
		{"cut", token[:20], sender, stand, noon, "token-forged"},
		{"longer", token + "aa", sender, stand, noon, "token-forged"},
		{"empty", "", sender, stand, noon, "token-forged"},
		{"no base32", "!!!!", sender, stand, noon, "token-forged"},
	} {
		err := s.Verify(c.token, c.addr, c.stand, c.now)
		if codeOf(err) != c.want || (err != nil) != (c.want != "") || (err != nil && !errors.Is(err, listing.ErrPolicy)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := NewSigner([]byte("short")); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("a short key: %v", err)
	}
}

func TestTokenOfAnyAddress(t *testing.T) {
	s := signer(t, testKey)
	addr := rapid.Custom(func(rt *rapid.T) netip.Addr {
		if rapid.Bool().Draw(rt, "v6") {
			return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "a")))
		}
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "a")))
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := addr.Draw(rt, "a"), addr.Draw(rt, "b")
		st := Stand{Since: noon.Add(time.Duration(rapid.Int64Range(-1<<40, 1<<40).Draw(rt, "since")))}
		token := s.Mint(a, st, in(time.Hour))
		if err := s.Verify(token, a, st, noon); err != nil {
			rt.Fatal(err)
		}
		if err := s.Verify(token, b, st, noon); (err == nil) != (listing.Canonical(a) == listing.Canonical(b)) {
			rt.Fatalf("%s for %s: %v", token, b, err)
		}
		want := removal.Reference{Address: a.Unmap(), Time: noon, Code: rapid.SampledFrom(removal.Codes()).Draw(rt, "code")}
		text := s.Reference(want)
		if got, err := s.ReadReference(strings.ToLower(strings.ReplaceAll(text, "-", " "))); err != nil || got != want {
			rt.Fatalf("%s is %+v (%v), want %+v", text, got, err, want)
		}
		if len("Reference of this letter: "+text) > columns && a.Unmap().Is4() {
			rt.Fatalf("reference %s does not fit a line", text)
		}
	})
}

func TestForeignReference(t *testing.T) {
	s := signer(t, testKey)
	ours := s.Reference(removal.Reference{Address: sender, Time: noon, Code: removal.OKSelf})
	for _, text := range []string{"", "L", "L-", "L-AAAAA-AAAAA-AAAAA", "T" + ours[1:], ours[:len(ours)-1], ours + "A", "X" + ours,
		signer(t, "another key for tests").Reference(removal.Reference{Address: sender, Time: noon, Code: removal.OKSelf}), strings.Replace(ours, "-", "\x00", 1)} {
		if r, err := s.ReadReference(text); !errors.Is(err, listing.ErrNotFound) {
			t.Errorf("%q is %+v, %v", text, r, err)
		}
	}
	r := []rune(ours)
	for n := 2; n < len(r); n++ {
		if r[n] == '-' {
			continue
		}
		was := r[n]
		r[n] = map[bool]rune{true: 'B', false: 'A'}[was == 'A']
		if got, err := s.ReadReference(string(r)); err == nil {
			t.Errorf("%s is %+v", string(r), got)
		}
		r[n] = was
	}
}
