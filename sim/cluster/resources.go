package cluster

// NodeResources is what a process holds.
type NodeResources struct {
	Node   string
	Actors []ActorResources // in order of their start
	// Zombies is the offloaded work of actors that are gone.
	Zombies int
}

// ActorResources is what an actor holds.
type ActorResources struct {
	Name string
	// Wires are its ends of wires that are not down, Timers those set, neither fired
	// nor cancelled, Offloads its work that has not ended, Mail its inputs that wait.
	Wires, Timers, Offloads, Mail int
}

// Resources is what the nodes that are up hold, in the order in which they were added.
func (w *World) Resources() []NodeResources {
	var all []NodeResources
	for _, n := range w.nodes {
		if !n.up {
			continue
		}
		r := NodeResources{Node: n.name}
		for _, a := range n.actors {
			r.Actors = append(r.Actors, a.resources())
		}
		for _, j := range n.jobs {
			if j.a.dead {
				r.Zombies++
			}
		}
		all = append(all, r)
	}
	return all
}

func (a *actor) resources() ActorResources {
	r := ActorResources{Name: a.place.address.Name, Timers: len(a.timers), Mail: a.control.n + a.wired.n}
	for _, e := range a.wires {
		if e != nil {
			r.Wires++
		}
	}
	for _, j := range a.node.jobs {
		if j.a == a {
			r.Offloads++
		}
	}
	for _, l := range a.lanes {
		r.Offloads += len(l.waiting)
	}
	return r
}

// quiet reports that no actor has inputs that wait.
func (w *World) quiet() bool {
	for _, n := range w.nodes {
		for _, a := range n.actors {
			if a.control.n+a.wired.n > 0 || a.goOn {
				return false
			}
		}
	}
	return true
}
