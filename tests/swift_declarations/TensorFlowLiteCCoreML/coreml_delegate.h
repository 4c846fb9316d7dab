#include <tensorflow_lite_c.h>

typedef enum {
  TfLiteCoreMlDelegateDevicesWithNeuralEngine,
  TfLiteCoreMlDelegateAllDevices
} TfLiteCoreMlDelegateEnabledDevices;

typedef struct {
  TfLiteCoreMlDelegateEnabledDevices enabled_devices;
  int coreml_version;
  int max_delegated_partitions;
  int min_nodes_per_partition;
} TfLiteCoreMlDelegateOptions;

TfLiteDelegate *TfLiteCoreMlDelegateCreate(const TfLiteCoreMlDelegateOptions *options);
void TfLiteCoreMlDelegateDelete(TfLiteDelegate *delegate);
