package channel

// InputAccount counts the data batches and credits of an [InputGate]. At any time
// Received + Restored = Used + Waiting and Credits + Used = Granted + Room + Restored.
type InputAccount struct {
	Credits  int64 // of all channels together
	Granted  int64 // credits sent to producers
	Room     int64 // credits to be sent; negative where a restored queue is longer
	Received int64 // batches that came over wires
	Restored int64 // batches from a checkpoint
	Used     int64 // batches taken to their end
	Waiting  int64 // batches in the queues
	Pinned   int64 // batches captured for checkpoints
	Released int64 // of these, dropped again because the checkpoint was given up
	Kept     int64 // of these, not handed over yet
}

// Account is how the gate's buffers and credits stand.
func (g *InputGate) Account() InputAccount {
	a := g.account
	for i := range g.Channels {
		c := &g.Channels[i]
		a.Room += int64(c.room)
		a.Kept += int64(len(c.captured))
		for _, it := range c.queue.waiting() {
			if it.batch != nil {
				a.Waiting++
			}
		}
	}
	return a
}

// OutputAccount counts the data batches of a [ResultPartition]. At any time
// Queued = Written + Waiting.
type OutputAccount struct {
	Queued  int64 // batches that entered the queues
	Written int64 // batches handed to wires
	Waiting int64 // batches in the queues
	Pinned  int64 // batches captured for checkpoints
}

// Add adds another partition's account.
func (a *OutputAccount) Add(b OutputAccount) {
	a.Queued, a.Written, a.Waiting, a.Pinned = a.Queued+b.Queued, a.Written+b.Written, a.Waiting+b.Waiting, a.Pinned+b.Pinned
}

// Account is how the partition's buffers stand.
func (p *ResultPartition) Account() OutputAccount {
	a := p.account
	for i := range p.subs {
		for _, it := range p.subs[i].queue.waiting() {
			if it.batch != nil {
				a.Waiting++
			}
		}
	}
	return a
}
