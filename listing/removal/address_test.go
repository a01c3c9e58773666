package removal

import (
	"net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMailAddress(t *testing.T) {
	for text, want := range map[string]string{
		"joe@sender.example":                             "joe@sender.example",
		"Joe <joe@sender.example>":                       "joe@sender.example",
		"=?windows-1252?Q?J=F6?= <joe+x@sender.example>": "joe+x@sender.example",
		`"a@x.example, b@y.example"@z.example`:           "",
		`"a@x.example"@z.example`:                        "",
		`"two words"@z.example`:                          "",
		"a@x.example, b@y.example":                       "",
		"joe@[192.0.2.7]":                                "",
		"joe@sender..example":                            "",
		".joe@sender.example":                            "",
		"jö@sender.example":                              "",
		"joe@sender.example\nBcc: all@rcpt.example":      "",
		"":    "",
		"joe": "",
		strings.Repeat("x", 250) + "@sender.example": "",
	} {
		if got, ok := MailAddress(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
}

// Whatever From says, the answer has one recipient: the address that was read.
func TestOneRecipient(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "b@x.example", "@", ",", ";", ":", " ", `"`, `\`, "<", ">", "(", ")", "\r\n", "\n ", "\x00", "ü", "=?utf-8?q?=2C?=", "=?utf-8?b?LA==?=", "z.example", ".", "[", "]", "Group:"})
	rapid.Check(t, func(t *rapid.T) {
		from := strings.Join(rapid.SliceOfN(piece, 1, 12).Draw(t, "from"), "")
		to, ok := MailAddress(from)
		if !ok {
			return
		}
		all, err := mail.ParseAddressList(to)
		if err != nil || len(all) != 1 || all[0].Address != to || all[0].Name != "" || strings.ContainsAny(to, " \t\r\n,;:<>\"()") {
			t.Fatalf("%q is answered to %q: %v, %v", from, to, all, err)
		}
	})
}
