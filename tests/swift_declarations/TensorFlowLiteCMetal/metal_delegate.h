#include <stdbool.h>
#include <tensorflow_lite_c.h>

typedef enum {
  TFLGpuDelegateWaitTypePassive,
  TFLGpuDelegateWaitTypeActive,
  TFLGpuDelegateWaitTypeDoNotWait,
  TFLGpuDelegateWaitTypeAggressive,
} TFLGpuDelegateWaitType;

typedef struct {
  bool allow_precision_loss;
  TFLGpuDelegateWaitType wait_type;
  bool enable_quantization;
} TFLGpuDelegateOptions;

TfLiteDelegate *TFLGpuDelegateCreate(const TFLGpuDelegateOptions *options);
void TFLGpuDelegateDelete(TfLiteDelegate *delegate);
