// Captures with epcis2.js, another maker's client, and prints what the server said: for
// test_epcis2_js.py. Arguments: where the interface begins, a token, a lot, an item, a parent.
import { createRequire } from "node:module";

const epcis2 = createRequire(import.meta.url)("epcis2.js");
const [base, token, lot, item, parent] = process.argv.slice(2);
const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
epcis2.setup({ apiUrl: base, headers, eventTimeZoneOffset: "+07:00" });

const time = "2024-05-06T07:08:09.000+07:00";
const made = new epcis2.ObjectEvent()
  .setEventTime(time)
  .setAction(epcis2.cbv.actionTypes.add)
  .setBizStep(epcis2.cbv.bizSteps.commissioning)
  .setDisposition(epcis2.cbv.dispositions.active)
  .addQuantity(new epcis2.QuantityElement().setEpcClass(lot).setQuantity(12.5).setUom("KGM"))
  .setReadPoint("https://id.gs1.org/414/9521321000018");
const watched = new epcis2.ObjectEvent()
  .setEventTime(time)
  .setAction(epcis2.cbv.actionTypes.observe)
  .setBizStep(epcis2.cbv.bizSteps.sensor_reporting)
  .addEPC(item)
  .addSensorElement(
    new epcis2.SensorElement().addSensorReport(
      new epcis2.SensorReportElement().setType("Temperature").setValue(4.5).setUom("CEL"),
    ),
  );
const packed = new epcis2.AggregationEvent()
  .setEventTime(time)
  .setAction(epcis2.cbv.actionTypes.add)
  .setBizStep(epcis2.cbv.bizSteps.packing)
  .setParentId(parent)
  .addChildEPC(item);

async function capture(...events) {
  const document = new epcis2.EPCISDocument().setCreationDate("2024-05-06T07:08:09.000Z");
  for (const event of events) document.addEvent(event);
  const answer = await epcis2.capture(document);
  const location = new URL(answer.headers.get("location") ?? "/", base).href;
  if (answer.status !== 202) return { status: answer.status, body: await answer.text() };
  for (;;) {
    const job = await (await fetch(location, { headers })).json();
    if (!job.running) return { status: answer.status, job, sent: document.toObject() };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

process.stdout.write(JSON.stringify(await capture(made, watched, packed)), () => process.exit(0));
