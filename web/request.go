package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// actor hands in requests, in the audit.
const actor = "web"

// Limits of a form.
const (
	maxForm = 32 << 10 // octets
	maxNote = 2000     // characters
)

// request answers the form of an address's page: it finds proof, has the desk
// decide, and shows what happens.
func (s *Server) request(v *visit) error {
	if err := v.site.csrf.Check(v.Request); err != nil {
		return refuse("cross-origin", "this request was made by a page of another site", "open the page of the address here, and use its form")
	}
	a, err := parseAddress(v.PathValue("address"))
	if err != nil {
		return notAPage(v.PathValue("address"), err)
	}
	form, err := readForm(v)
	if err != nil {
		return err
	}
	l, err := s.look(v, a, v.now)
	if err != nil {
		return err
	}
	if !l.listed() {
		return s.showResult(v, l, removal.Answer{Decision: l.decision})
	}
	token := delist.Token(form.Get("token"))
	if err := s.parts.Desk.Check(token, a, l.about.Stand); err != nil {
		return badForm(err)
	}
	r := desk.Request{By: listing.Caller{Name: actor, Role: listing.Daemon}, Address: a, From: strings.TrimSpace(form.Get("mail")), Note: clean(form.Get("note")), Client: v.from.addr, Language: v.language.Tag(), Delist: true, Again: true, Mail: true, Person: true}
	if r.From != "" && !validMail(r.From) {
		p := s.addressPage(v, l)
		if p.Removal.Form != nil {
			p.Removal.Form.Mail, p.Removal.Form.Note = clean(r.From), r.Note
			p.Removal.Form.Fault = v.language.Word("This is not a mail address. Write it like postmaster@sender.example, or leave it empty.")
			p.Title = v.language.Say("Please check the form: %s", p.Title)
		}
		return s.render(v, http.StatusUnprocessableEntity, "address", p)
	}
	r.Offered = proof(v, l)
	r.Key = keyOf(token, r)
	return s.decide(v, l, r)
}

// decide has the desk decide, and shows what happens.
func (s *Server) decide(v *visit, l *addressInfo, r desk.Request) error {
	defer connlimit.HoldRequest(v.Request)() // the form was read
	done, err := s.parts.Desk.Request(v.Context(), r)
	if err != nil {
		return fmt.Errorf("a request to delist %s: %w", r.Address, err)
	}
	s.parts.Log.Info("request to delist", "address", r.Address, "decision", done.Decision.Code, "ticket", done.Ticket, "outcome", done.Outcome)
	if done.Kept == "" || done.Decision.Code == removal.RateLimit {
		return s.showResult(v, l, done.Answer)
	}
	// A page of its own: to load it again sends nothing again.
	http.Redirect(v.w, v.Request, "/result/"+done.Kept, http.StatusSeeOther)
	return nil
}

// showKept shows the result of a request again. Its URL is a secret of who asked, as
// that of a ticket is.
func (s *Server) showKept(v *visit) error {
	kept, err := s.parts.Desk.Kept(v.PathValue("id"))
	if err != nil {
		return err
	}
	l, err := s.look(v, kept.Address, v.now)
	if err != nil {
		return err
	}
	v.secret()
	if path := s.parts.Desk.PathOf(kept.Ticket); path != "" {
		p, err := s.parts.Desk.Progress(v.Context(), strings.TrimPrefix(path, desk.FollowPath))
		if err == nil && p.State != kept.State { // what was answered is no longer so
			http.Redirect(v.w, v.Request, "/"+path, http.StatusSeeOther)
			return nil
		}
		if err != nil && !errors.Is(err, listing.ErrNotFound) {
			return err
		}
	}
	return s.showResult(v, l, kept)
}

// readForm reads the body, and nothing of the query.
func readForm(v *visit) (url.Values, error) {
	v.Body = http.MaxBytesReader(v.w, v.Body, maxForm)
	err := v.ParseForm()
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errors.Join(refuse("too-large", "the form holds more than we read", fmt.Sprintf("keep the note under %d characters", maxNote)), large)
	}
	if err != nil {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-form", Message: "the form cannot be read", Hint: "open the page of the address, and use its form"}
	}
	return v.PostForm, nil
}

// refuse is a refusal in the words of a page.
func refuse(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrPolicy, Code: code, Message: message, Hint: hint}
}

// badForm says of a token that does not hold that the form is at fault: people
// do not know that there is one.
func badForm(err error) error {
	e, ok := errors.AsType[*listing.Error](err)
	if !ok {
		return err
	}
	message := "this form was not made by our page"
	if e.Code == "token-expired" || e.Code == "token-superseded" {
		message = "this form is about an earlier state of the listing"
	}
	return refuse(e.Code, message, "open the page of the address again, and use the form there")
}

// proof is what a request brings along by itself. The desk looks for better in
// DNS, where proof decides.
func proof(v *visit, l *addressInfo) delist.Proof {
	if !comesFrom(v.from, l) {
		return delist.Proof{}
	}
	return delist.Proof{Kind: removal.ProofWeb, Address: l.address, Time: v.now}
}

// clean makes what a stranger wrote valid UTF-8, without control characters but
// the line feed, and not too long.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "�")
	text = strings.Map(func(r rune) rune {
		if r == '\n' || (r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f)) {
			return r
		}
		return -1
	}, text)
	if utf8.RuneCountInString(text) > maxNote {
		text = string([]rune(text)[:maxNote])
	}
	return strings.TrimSpace(text)
}

// keyOf is the same for the same form sent again, be it by a double click, or
// when the sender goes back in his browser.
func keyOf(t delist.Token, r desk.Request) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", t, r.Offered.Kind, r.From, r.Note))
	return "web:" + hex.EncodeToString(sum[:16])
}
