/* SPDX-License-Identifier: MIT */
/** @file nninit.h
 *  Everything. Lowest tier first; each header includes only those above it. */
#ifndef NNINIT_H
#define NNINIT_H

#include <nninit/version.h>
#include <nninit/status.h>
#include <nninit/context.h>
#include <nninit/tensor.h>
#include <nninit/dbn.h>
#include <nninit/generator.h>
#include <nninit/initializer.h>
#include <nninit/selftest.h>
#include <nninit/mup.h>
#include <nninit/layer.h>
#include <nninit/rules.h>
#include <nninit/pretrain.h>
#include <nninit/rbm.h>
#include <nninit/report.h>
#include <nninit/loss.h>
#include <nninit/optimizer.h>
#include <nninit/step.h>
#include <nninit/dataset.h>
#include <nninit/loader.h>
#include <nninit/trainer.h>

#endif
