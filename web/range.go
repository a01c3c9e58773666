package web

import (
	"net/http"

	"dnsbld/listing"
)

// rangePage is about a range that is listed as a whole. The refusal of an address
// inside of it links to it, for its text is that of the entry.
type rangePage struct {
	frame
	Range   string
	Reasons []reasonPart
	Until   moment
}

// showRange answers the page of a range: why it is listed, until when, and a box for
// the address that was refused. With ?ip=ADDRESS it leads to the page of that.
func (s *Server) showRange(v *visit, text string) error {
	subject, err := listing.ParseSubject(text)
	if err != nil {
		return err
	}
	if a, err := parseAddress(v.URL.Query().Get("ip")); err == nil && subject.Contains(a) {
		http.Redirect(v.w, v.Request, "/"+a.String(), http.StatusSeeOther)
		return nil
	}
	if subject.Text() != text {
		http.Redirect(v.w, v.Request, "/"+subject.Text(), http.StatusMovedPermanently)
		return nil
	}
	entries, err := s.parts.Desk.Range(v.Context(), subject)
	if err != nil {
		return err
	}
	p := rangePage{frame: s.frame(v, subject.Text()), Range: subject.Text()}
	for _, e := range entries {
		r := newReason(e, v.now)
		r.Ask = p.Mail
		p.Reasons = append(p.Reasons, r)
		if at := at(e.Until, v.now); at.Machine > p.Until.Machine {
			p.Until = at
		}
	}
	p.Title = v.titleOf(p.Range, len(entries) > 0)
	v.w.Header().Set("X-Robots-Tag", "noindex")
	return s.render(v, http.StatusOK, "range", p)
}
