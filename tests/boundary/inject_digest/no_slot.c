/* SPDX-License-Identifier: Apache-2.0
 * no_slot.c: a shared object that is no module. */
__attribute__((visibility("default"))) int cm_variant(void);
int cm_variant(void) { return 0; }
