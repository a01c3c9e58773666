package report

// sources: none is about to end, and none has just ended, for want of an import: its
// entries would vanish in silence.
func (c *checkup) sources() error {
	now := c.Book.Now()
	all, err := AllSources(c.ctx, c.Book.Store(), now)
	var wrong []string
	for _, s := range Lapsing(all, now, c.WarnSources) {
		wrong = append(wrong, s.Warning())
	}
	c.verdict("sources", "3.8", Warn, wrong, "no source ends soon, or ended lately, for want of an import")
	return err
}
