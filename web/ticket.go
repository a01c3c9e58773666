package web

import (
	"net/http"

	"dnsbld/listing/removal"
)

// ticketPage says how a request stands, for who has its link.
type ticketPage struct {
	frame
	removal.Progress
	Address      string // empty: it is not known yet
	Opened, Read moment
	Since        moment // when the state last changed
	Late         bool   // a person should have read it
	Text, Then   string // what the sender was told last
	When         moment // of that

}

// ticketTitles are by state.
var ticketTitles = map[removal.State]string{
	removal.Open: "With our support", removal.Asked: "It is your turn", removal.Granted: "The listing was ended",
	removal.Denied: "The listing stands for now", removal.Closed: "This request is closed",
}

// secret is set for pages whose URL is a secret of who asked: nothing leads there, and
// nothing leads on from them to another site.
func (v *visit) secret() {
	v.w.Header().Set("X-Robots-Tag", "noindex")
	v.w.Header().Set("Referrer-Policy", "no-referrer")
}

// showTicket answers the page of a request.
func (s *Server) showTicket(v *visit) error {
	t, err := s.parts.Desk.Progress(v.Context(), v.PathValue("reference"))
	if err != nil {
		return err
	}
	p := ticketPage{frame: s.frame(v, v.language.Word(ticketTitles[t.State])), Progress: t, Opened: at(t.Opened, v.now), Read: at(t.ReadBy, v.now), Since: at(t.Changed, v.now),
		Late: v.now.After(t.ReadBy)}
	if t.Address.IsValid() {
		p.Address = t.Address.String()
		p.Title += ": " + p.Address
	}
	switch {
	case t.Told != nil:
		p.Text, p.Then, p.When = t.Told.Text, t.Told.Then, at(t.Told.Time, v.now)
	case t.State == removal.Denied:
		p.Text = v.language.Word(codeWords[t.Denied])
	}
	v.secret()
	return s.render(v, http.StatusOK, "ticket", p)
}
