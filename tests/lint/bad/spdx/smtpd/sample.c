#include "config.h"

int
sample_run(int n)
{
	return n;
}
