#include "remote-relay/exchangers.h"

#include <string.h>

void
exchangers_add(struct exchangers *x, uint16_t preference, struct slice name)
{
	struct exchanger *to = NULL;

	if (name.len == 0) {
		x->null = true;
		return;
	}
	if (x->n < EXCHANGERS_MAX)
		to = &x->at[x->n++];
	else
		for (unsigned i = 0; i < x->n; i++)
			if (x->at[i].preference > preference && (to == NULL ||
			    x->at[i].preference > to->preference))
				to = &x->at[i];
	if (to == NULL)
		return;
	*to = (struct exchanger){ .preference = preference };
	if (slice_copy_str(name, to->name, sizeof(to->name)) == -1)
		*to = x->at[--x->n];
}

static void
swap(struct exchanger *a, struct exchanger *b)
{
	struct exchanger c = *a;

	*a = *b;
	*b = c;
}

/* A shuffle, then a sort that keeps the order of equals. */
void
exchangers_order(struct exchangers *x, uint32_t (*random)(uint32_t))
{
	if (x->n > 0)
		x->null = false;
	for (unsigned i = x->n; i > 1; i--)
		swap(&x->at[i - 1], &x->at[random(i)]);
	for (unsigned i = 1; i < x->n; i++)
		for (unsigned k = i; k > 0 && x->at[k - 1].preference >
		    x->at[k].preference; k--)
			swap(&x->at[k - 1], &x->at[k]);
}

bool
exchangers_cut_self(struct exchangers *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		if (!x->at[i].self)
			continue;
		while (i > 0 && x->at[i - 1].preference ==
		    x->at[i].preference)
			i--;
		x->n = i;
		return i == 0;
	}
	return false;
}

static bool
take_family(struct exchanger *from, enum net_family family,
    struct net_address *to)
{
	for (unsigned i = 0; i < from->n_addresses; i++) {
		if (from->addresses[i].family != family)
			continue;
		*to = from->addresses[i];
		from->n_addresses--;
		memmove(&from->addresses[i], &from->addresses[i + 1],
		    (from->n_addresses - i) * sizeof(*to));
		return true;
	}
	return false;
}

void
exchanger_interleave(struct exchanger *e)
{
	struct exchanger from = *e;
	enum net_family next = NET_IPV6;

	for (unsigned n = 0; n < e->n_addresses; n++) {
		enum net_family other = next == NET_IPV6 ? NET_IPV4 : NET_IPV6;

		if (!take_family(&from, next, &e->addresses[n]))
			take_family(&from, other, &e->addresses[n]);
		next = other;
	}
}
