package delist

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// added are letters in one more language, that an operator adds by a file.
func added(t *testing.T) *Letters {
	t.Helper()
	builtin, err := language.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	vowels := strings.NewReplacer("a", "å", "e", "ë", "i", "ï", "o", "ø", "u", "ü")
	var file strings.Builder
	for _, english := range builtin.All()[1].Words() {
		fmt.Fprintf(&file, "%s\n\t%s\n", english, vowels.Replace(english))
	}
	l, err := NewLetters(fstest.MapFS{"nn/words.txt": {Data: []byte(file.String())}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A reply may quote any letter of ours, in any language that there is, with its lines
// broken anew.
func TestOurLettersAreKnownAgain(t *testing.T) {
	l := added(t)
	listed := facts(removal.NoProof, seen(t, listing.BareIP))
	clear := facts(removal.NotListed)
	clear.EffectiveBy = clear.EffectiveBy.AddDate(0, 0, -1)
	removed := facts(removal.OKSelf, seen(t, listing.BareIP))
	removed.Outcome = removal.Removed
	still := removed
	still.Still = []Evident{seen(t, listing.RcptBogus)}
	wrong := removed
	wrong.Outcome = removal.Withdrawn
	for _, in := range l.Languages().All() {
		texts := map[string]string{}
		for name, f := range map[string]LetterFacts{"listed": listed, "not listed": clear, "removed": removed, "still listed": still, "our error": wrong} {
			f.Language = in
			text, err := l.Render(f)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = text
		}
		question, err := l.Ask(Question{Zone: "bl.example", Desk: "desk@bl.example", Ticket: "TABCDEFGHIJ", Reference: listed.Reference, Language: in})
		if err != nil {
			t.Fatal(err)
		}
		notice, err := l.Notice(Notice{Zone: "bl.example", Desk: "desk@bl.example", Page: listed.Page, Address: sender, Decision: listed.Decision, Reference: listed.Reference, Language: in})
		if err != nil {
			t.Fatal(err)
		}
		texts["question"], texts["notice"] = question, notice
		for name, text := range texts {
			for _, width := range []int{columns, 30} {
				lines := []string{"Please.", ""}
				for line := range strings.Lines(text) {
					lines = append(lines, quotation(line, width)...)
				}
				rest, ours := Ours{Languages: l.Languages()}.apart(t.Context(), strings.Join(lines, "\n")+"\nBye.\n")
				if want := "Please.\n\n> " + in.Word("Hello,") + "\n>\nBye.\n"; rest != want || !strings.Contains(ours, listed.Reference) {
					t.Errorf("%s, %s, %d columns: not known again:\n%s", in.Tag(), name, width, rest)
				}
			}
		}
	}
}

// quotation is a line as it is quoted, in lines of so many columns.
func quotation(line string, width int) (out []string) {
	now := ">"
	for _, word := range strings.Fields(line) {
		if len(now)+len(word) >= width && now != ">" {
			out, now = append(out, now), ">"
		}
		now += " " + word
	}
	return append(out, now)
}

// A sender may begin as our letters do: it is not our letter.
func TestWhatASenderBeginsIsNotOurs(t *testing.T) {
	ours := Ours{Languages: letters(t).Languages()}
	for _, text := range []string{
		"Hello,\n\nthis is about the address 192.0.2.7, which is on your list bl.example. Please remove it.\n",
		"This is about the address 192.0.2.7. What did we do? Please remove it.\n",
		"Guten Tag,\n\nes geht um die Adresse 192.0.2.7, die auf Ihrer Liste steht. Bitte entfernen.\n",
		"Hola:\n\nEste mensaje trata de la dirección 192.0.2.7, que está en su lista. Por favor, quitarla.\n",
		"This\nis\nabout\nthe\naddress", "Thank you for writing to us", strings.Repeat("> ", 2000) + "this",
	} {
		if rest, letter := ours.apart(t.Context(), text); rest != text || letter != "" {
			t.Errorf("of %q this is taken for ours: %q", text, letter)
		}
	}
	f, err := Triage(t.Context(), strings.NewReader("Guten Tag,\n\nes geht um die Adresse 192.0.2.7, die auf Ihrer Liste steht. Bitte entfernen.\n"), ours)
	if err != nil || f.Address == nil || *f.Address != sender || f.Reply || !f.Asks {
		t.Errorf("%+v, %v", f, err)
	}
}

// The marks of a quotation go, and one blank behind them.
func TestUnquote(t *testing.T) {
	for line, want := range map[string]string{
		"> a": "a", " >  > a\n": "a\n", ">  a": " a", "|a": "a", ">\n": "\n", "> ": "", ">": "", "": "", "  a > b": "  a > b", "\t>\ta": "a", "a": "a", "-> a": "-> a",
	} {
		if got := unquote(line); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}
