package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"dnsbld/costtest"
)

// A header, a form or an address of a stranger is read in one pass.
func TestCost(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, piece := range []string{"x", " ", ",", ";", "\"", "\\", "\\\"", "=", "for=", "for=10.0.0.1,", "10.0.0.1,", "for=\"[::1]\";", "[", "]", "%", "%41", "&", "a=b&", "note=", "\n", "\xff", "ü",
		"1.", ":", "::", "/", "@", "<a", "Received: ", "192.0.2.7 "} {
		costtest.Linear(t, maxHeader, "", piece, "", func(header []byte) {
			h := http.Header{"X-Forwarded-For": {string(header)}, "Forwarded": {string(header)}}
			originOf(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h}, trusted)
		})
		costtest.Linear(t, maxForm, "", piece, "", func(text []byte) {
			v := &visit{Request: httptest.NewRequest(http.MethodPost, "/192.0.2.7", strings.NewReader(string(text))), w: httptest.NewRecorder()}
			v.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if form, err := readForm(v); err == nil {
				clean(form.Get("note"))
				validMail(form.Get("mail"))
			}
			clean(string(text))
			validMail(string(text))
			_, _ = parseAddress(string(text))
			pasted(string(text), Config{})
			pageOf(string(text), "https://bl.example/")
			isDomain(string(text))
		})
	}
}

// FuzzForm: a form that is read holds nothing that could not be shown, and one that
// is too large is refused.
func FuzzForm(f *testing.F) {
	f.Add([]byte("note=a%0Ab%00%1b%5B31m&mail=a%40b.example&token=x"))
	f.Add([]byte("note=%ff&note=2;&%"))
	f.Fuzz(func(t *testing.T, body []byte) {
		v := &visit{Request: httptest.NewRequest(http.MethodPost, "/192.0.2.7?note=query", bytes.NewReader(body)), w: httptest.NewRecorder()}
		v.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form, err := readForm(v)
		if (err == nil) && len(body) > maxForm {
			t.Errorf("%d octets are read", len(body))
		}
		if err != nil {
			return
		}
		note := clean(form.Get("note"))
		if !utf8.ValidString(note) || utf8.RuneCountInString(note) > maxNote || clean(note) != note {
			t.Errorf("%q", note)
		}
		for _, r := range note {
			if unicode.IsControl(r) && r != '\n' {
				t.Errorf("%q holds %q", note, r)
			}
		}
		if mail := strings.TrimSpace(form.Get("mail")); validMail(mail) && strings.ContainsAny(mail, "\r\n") {
			t.Errorf("%q is taken for an address", mail)
		}
	})
}
