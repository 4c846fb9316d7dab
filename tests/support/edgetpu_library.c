/* Stands in for libedgetpu.so.1 where there is no chip: a delegate with the same entry points, which
 * takes over the operation edgetpu-custom-op by copying its inputs from the second on to its outputs.
 *
 * EDGETPU_STANDIN=fail makes no delegate and gives no reason, as the real one does; "stuck" never
 * returns from making one, during which the caller holds Python's lock; "hang" sleeps in
 * the run of the number EDGETPU_STANDIN_RUN (default 4), "crash" ends the process there. Where
 * EDGETPU_STANDIN_FUSE names a file, that happens only as long as it has bytes, and takes one each
 * time. The option `device`, and that it is about to hang, are written to the file that
 * EDGETPU_STANDIN_LOG names.
 *
 * The structures are those of tensorflow/lite/core/c/common.h as far as they are used here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int size; int data[]; } IntArray;

typedef struct {
  int type;
  void *data;
  IntArray *dims;
  struct { float scale; int32_t zero_point; } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  void *delegate;
  int buffer_handle;
  unsigned char data_is_stale, is_variable;
  struct { int type; void *params; } quantization;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;

typedef struct {
  IntArray *inputs, *outputs, *intermediates, *temporaries;
} Node;

typedef struct Context Context;

typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*release)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *external, *async_kernel;
  uint64_t inplace_operator;
} Registration;

struct Context {
  size_t tensors_size;
  int (*GetExecutionPlan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  int (*ResizeTensor)(Context *, Tensor *, IntArray *);
  void (*ReportError)(Context *, const char *, ...);
  int (*AddTensors)(Context *, int, int *);
  int (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
  int (*ReplaceNodeSubsetsWithDelegateKernels)(Context *, Registration, const IntArray *, void *);
};

typedef struct {
  void *data;
  int (*Prepare)(Context *, void *);
  void *CopyFrom, *CopyTo, *Free;
  int64_t flags;
  void *builder;
} Delegate;

static int runs = 0;

static const char *wanted(void) {
  const char *value = getenv("EDGETPU_STANDIN");
  return value ? value : "";
}

static void note(const char *name, const char *value) {
  const char *log = getenv("EDGETPU_STANDIN_LOG");
  if (!log) return;
  FILE *file = fopen(log, "a");
  fprintf(file, "%s=%s\n", name, value);
  fclose(file);
}

/* Whether this run is the one that goes wrong. */
static int burns(void) {
  const char *number = getenv("EDGETPU_STANDIN_RUN"), *fuse = getenv("EDGETPU_STANDIN_FUSE");
  if (++runs != (number ? atoi(number) : 4)) return 0;
  if (!fuse) return 1;
  FILE *file = fopen(fuse, "r+");
  if (!file) return 0;
  fseek(file, 0, SEEK_END);
  long left = ftell(file);
  int cut = left > 0 ? ftruncate(fileno(file), left - 1) : 1;
  fclose(file);
  return !cut;
}

static int run(Context *context, Node *node) {
  if (burns()) {
    if (!strcmp(wanted(), "hang")) {
      note("hangs", "run");
      sleep(600);
    }
    if (!strcmp(wanted(), "crash")) abort();
  }
  for (int i = 0; i < node->outputs->size; i++) {
    /* A delegate's node lists the inputs of what it replaces in rising order. */
    Tensor *from = &context->tensors[node->inputs->data[i + 1]];
    Tensor *to = &context->tensors[node->outputs->data[i]];
    memcpy(to->data, from->data, to->bytes);
  }
  return 0;
}

static int prepare_delegate(Context *context, void *delegate) {
  IntArray *plan, *mine;
  if (context->GetExecutionPlan(context, &plan)) return 1;
  mine = calloc(1, sizeof(IntArray) + plan->size * sizeof(int));
  for (int i = 0; i < plan->size; i++) {
    Node *node;
    Registration *registration;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration)) return 1;
    if (registration->custom_name && !strcmp(registration->custom_name, "edgetpu-custom-op"))
      mine->data[mine->size++] = plan->data[i];
  }
  Registration kernel = {.invoke = run, .custom_name = "StandIn", .version = 1};
  int status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, mine, delegate);
  free(mine);
  return status;
}

void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  (void)report;
  for (size_t i = 0; i < count; i++) note(keys[i], values[i]);
  if (!strcmp(wanted(), "fail")) return NULL;
  if (!strcmp(wanted(), "stuck")) {
    note("hangs", "load");
    for (;;) pause();
  }
  Delegate *made = calloc(1, sizeof(Delegate));
  made->Prepare = prepare_delegate;
  /* kTfLiteDelegateFlagsAllowDynamicTensors: else every operation is prepared first, and this one
   * is nobody's yet. */
  made->flags = 1;
  return made;
}

void tflite_plugin_destroy_delegate(void *delegate) { free(delegate); }
