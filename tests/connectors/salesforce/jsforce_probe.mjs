// Drives an org with jsforce as it comes from npm and prints what it saw as one line of JSON.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const jsforce = require("jsforce");
const { LOGIN_URL, CLIENT_ID, CLIENT_SECRET, OPPORTUNITY } = process.env;

const org = new jsforce.Connection({
  instanceUrl: LOGIN_URL,
  version: "62.0",
  oauth2: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, loginUrl: LOGIN_URL },
});
const user = await org.authorize({ grant_type: "client_credentials" });
const seen = { organization: user.organizationId };

const quotes = await org.query(
  "SELECT Id, QuoteNumber, Opportunity.Name, (SELECT Quantity, Product2.ProductCode FROM QuoteLineItems) FROM Quote",
);
const [quote] = quotes.records;
seen.quote = {
  number: quote.QuoteNumber,
  opportunity: quote.Opportunity.Name,
  lines: quote.QuoteLineItems.records.map((line) => line.Product2.ProductCode),
};

const all = await org
  .query("SELECT Id FROM Account")
  .run({ autoFetch: true, maxFetch: 10000, headers: { "Sforce-Query-Options": "batchSize=200" } });
seen.accounts = new Set(all.records.map((record) => record.Id)).size;
seen.total = all.totalSize;

const described = await org.sobject("Opportunity").describe();
seen.stages = described.fields.find((field) => field.name === "StageName").picklistValues.length;

seen.updated = await org.sobject("Opportunity").update({ Id: OPPORTUNITY, LTC_Delivery_Status__c: "delivered" });
seen.many = await org.sobject("Opportunity").update([{ Id: OPPORTUNITY, LTC_Payment_Status__c: "paid" }]);
const lead = { JDY_Data_Id__c: "65a1b2c3d4", LastName: "Abend", Company: "Brightwell" };
seen.created = await org.sobject("Lead").upsert(lead, "JDY_Data_Id__c");
seen.again = await org.sobject("Lead").upsert({ ...lead, Company: "Norvane" }, "JDY_Data_Id__c");
seen.refused = await org.query("SELECT Nmae FROM Lead").catch((error) => error.errorCode);
seen.usage = org.limitInfo.apiUsage.limit;
console.log(JSON.stringify(seen));
