// The part of TensorFlow Lite's C API that the detector uses, for Linux. On Apple platforms the framework
// TensorFlowLiteC declares the whole API.
// Reference: https://www.tensorflow.org/lite/api_docs/c
#ifndef TENSORFLOW_LITE_C_H
#define TENSORFLOW_LITE_C_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteInt8 = 9,
} TfLiteType;

typedef struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
} TfLiteQuantizationParams;

typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;

// Only ever seen through pointers; the fields behind the last one that is used are left out. A struct that is
// declared whole gives Swift the same pointer types that it has on Apple platforms.
typedef struct TfLiteTensor {
  TfLiteType type;
} TfLiteTensor;
typedef struct TfLiteNode {
  void *inputs;
} TfLiteNode;

typedef struct TfLiteIntArray {
  int size;
  int data[];
} TfLiteIntArray;

struct TfLiteDelegate;
struct TfLiteRegistration;

typedef struct TfLiteContext {
  size_t tensors_size;
  TfLiteStatus (*GetExecutionPlan)(struct TfLiteContext *context, TfLiteIntArray **plan);
  TfLiteTensor *tensors;
  void *impl_;
  TfLiteStatus (*ResizeTensor)(struct TfLiteContext *context, TfLiteTensor *tensor, TfLiteIntArray *size);
  void (*ReportError)(struct TfLiteContext *context, const char *message, ...);
  TfLiteStatus (*AddTensors)(struct TfLiteContext *context, int count, int *first);
  TfLiteStatus (*GetNodeAndRegistration)(
      struct TfLiteContext *context, int index, TfLiteNode **node, struct TfLiteRegistration **registration);
} TfLiteContext;

typedef struct TfLiteRegistration {
  void *(*init)(TfLiteContext *context, const char *buffer, size_t length);
  void (*free)(TfLiteContext *context, void *buffer);
  TfLiteStatus (*prepare)(TfLiteContext *context, TfLiteNode *node);
  TfLiteStatus (*invoke)(TfLiteContext *context, TfLiteNode *node);
  const char *(*profiling_string)(const TfLiteContext *context, const TfLiteNode *node);
  int32_t builtin_code;
} TfLiteRegistration;

typedef struct TfLiteDelegate {
  void *data_;
  TfLiteStatus (*Prepare)(TfLiteContext *context, struct TfLiteDelegate *delegate);
} TfLiteDelegate;

// XNNPACK, with its default options if `options` is null.
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const void *options);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *delegate);

const char *TfLiteVersion(void);

TfLiteModel *TfLiteModelCreateFromFile(const char *path);
void TfLiteModelDelete(TfLiteModel *model);

TfLiteInterpreterOptions *TfLiteInterpreterOptionsCreate(void);
void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions *options);
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions *options, int32_t count);
void TfLiteInterpreterOptionsAddDelegate(TfLiteInterpreterOptions *options, TfLiteDelegate *delegate);
void TfLiteInterpreterOptionsSetErrorReporter(
    TfLiteInterpreterOptions *options,
    void (*reporter)(void *user_data, const char *format, va_list arguments), void *user_data);

TfLiteInterpreter *TfLiteInterpreterCreate(
    const TfLiteModel *model, const TfLiteInterpreterOptions *options);
void TfLiteInterpreterDelete(TfLiteInterpreter *interpreter);
TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter *interpreter);
TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter *interpreter);
int32_t TfLiteInterpreterGetInputTensorCount(const TfLiteInterpreter *interpreter);
TfLiteTensor *TfLiteInterpreterGetInputTensor(const TfLiteInterpreter *interpreter, int32_t index);
int32_t TfLiteInterpreterGetOutputTensorCount(const TfLiteInterpreter *interpreter);
const TfLiteTensor *TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter *interpreter, int32_t index);

TfLiteType TfLiteTensorType(const TfLiteTensor *tensor);
int32_t TfLiteTensorNumDims(const TfLiteTensor *tensor);
int32_t TfLiteTensorDim(const TfLiteTensor *tensor, int32_t index);
size_t TfLiteTensorByteSize(const TfLiteTensor *tensor);
const char *TfLiteTensorName(const TfLiteTensor *tensor);
TfLiteQuantizationParams TfLiteTensorQuantizationParams(const TfLiteTensor *tensor);
TfLiteStatus TfLiteTensorCopyFromBuffer(TfLiteTensor *tensor, const void *data, size_t size);
TfLiteStatus TfLiteTensorCopyToBuffer(const TfLiteTensor *tensor, void *data, size_t size);

// Swift on Linux cannot take a va_list in a callback; this formats the message for it.
typedef struct MessageReporter {
  void (*report)(void *owner, const char *message);
  void *owner;
} MessageReporter;

static inline void TfLiteFormatMessage(void *user_data, const char *format, va_list arguments) {
  const MessageReporter *reporter = (const MessageReporter *)user_data;
  char message[1024];
  vsnprintf(message, sizeof message, format, arguments);
  reporter->report(reporter->owner, message);
}

// `reporter` must live as long as what is made with `options`.
static inline void TfLiteInterpreterOptionsSetMessageReporter(
    TfLiteInterpreterOptions *options, MessageReporter *reporter) {
  TfLiteInterpreterOptionsSetErrorReporter(options, TfLiteFormatMessage, reporter);
}

#endif
