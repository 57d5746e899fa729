import { activity } from "./activity.ts";
import { campaign } from "./campaign.ts";
import { company } from "./company.ts";
import { compile } from "./compile.ts";
import { contact } from "./contact.ts";
import { deal } from "./deal.ts";
import { email } from "./email.ts";
import { employee } from "./employee.ts";
import { execution } from "./execution.ts";
import { form } from "./form.ts";
import { invoice } from "./invoice.ts";
import { member } from "./member.ts";
import { payment } from "./payment.ts";
import { product } from "./product.ts";
import { qualification } from "./qualification.ts";
import { quote } from "./quote.ts";
import { script } from "./script.ts";
import { service } from "./service.ts";
import { task } from "./task.ts";
import { ticket } from "./ticket.ts";

/** The kinds every workspace has. */
export const declarations = [
  contact,
  company,
  deal,
  activity,
  task,
  ticket,
  email,
  product,
  service,
  employee,
  quote,
  invoice,
  payment,
  campaign,
  member,
  script,
  execution,
  form,
  qualification,
];
export const catalog = compile(declarations);
