// Checks resources of the Prometheus Operator, a JSON list on standard input, against the operator's own schemas.
import { readFileSync } from "node:fs";
import * as kinds from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  new kinds[resource.kind](resource).validate();
  console.log(`${resource.kind} ${resource.metadata.name} is valid`);
}
