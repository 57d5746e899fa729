/** What the records of the benchmark are made of. Some names have accents, so that folding has something to do. */

const split = (text: string) => text.trim().split(/\s+/);

export const FIRST = split(`
  Jane John Maria Ana Peter Paul Lena Max Zoë José Chloé Jürgen Anna Emma Noah Liam Olivia Sofia Mateo Lucas Mia Leon Nora Ida Hugo
  Oskar Elsa Karl Marta Pablo Diego Carmen Lucía Inès Amélie Louis Jules Camille Yuki Haruto Aiko Wei Ling Mei Raj Priya Arjun Anika
  Omar Fatima Layla Yusuf Amir Sara David Daniel Sarah Rachel Michael Laura Thomas Katrin Björn Astrid Søren Agnieszka Piotr Zuzanna`);

export const LAST = split(`
  Smith Jones Brown Taylor Wilson Davies Evans Walker Wright Robinson Thompson White Hughes Edwards Green Hall Wood Harris Martin Jackson
  Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz
  García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Díaz Moreno Muñoz Álvarez Romero Alonso Navarro Torres Ramos
  Dubois Lefèvre Moreau Laurent Girard Roux Fournier Mercier Bonnet Rousseau Blanc Guérin Faure Chevalier Lambert Rossi Russo Ferrari
  Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Rizzo Lombardi Moretti Tanaka Suzuki Sato Watanabe
  Ito Yamamoto Nakamura Kobayashi Kato Wang Zhang Liu Chen Yang Huang Zhao Patel Sharma Singh Kumar Gupta Mehta Reddy Khan Ahmed Hassan
  Novák Svoboda Dvořák Kowalski Nowak Wiśniewski Zieliński Jansen Bakker Visser Smit Hansen Larsen Nielsen Andersson Johansson Lindqvist`);

export const TITLES =
  `CEO;CTO;CFO;COO;Head of Sales;Sales Manager;Account Executive;Office Manager;Purchasing Manager;Data Engineer;
Software Engineer;Product Manager;Marketing Manager;Head of Operations;Procurement Lead;IT Administrator;Managing Director;Consultant;
Legal Counsel;Accountant`
    .split(";")
    .map((title) => title.trim());

/** The commonest first: the fill takes them with a skew. */
export const STAGES = split("lead qualified customer prospect churned partner paused");
export const DEAL_STAGES = split("discovery proposal negotiation contract pilot renewal");
export const TAGS = split(
  "saas vip newsletter event partner trial enterprise smb referral webinar churn-risk press investor beta vendor alumni",
);
export const OWNERS = split("ann bob cleo dan eve finn gus hana ivo jo kim lou").map((name) => `${name}@bench.example`);
export const INDUSTRIES = split(
  "Software Retail Logistics Health Energy Finance Media Education Construction Food Travel Insurance",
);
export const TAILS = split(
  "Inc GmbH Ltd Group Labs Systems Partners Logistics Foods Energy Media Health Software Consulting Works Studio",
);

export const WORDS = split(`
  asked for a quote by friday about the annual contract and wants references from similar customers before they sign met at conference in
  berlin follow up with pricing sheet next week budget approved until end of quarter prefers email over phone call back after holiday
  decision maker is new head of procurement legal review pending needs security questionnaire interested pilot team evaluating competitor
  offer discount volume license renewal due invoice sent payment received late reminder shipping delayed warehouse integration api webhook
  migration spreadsheet import export training session onboarding workshop demo recording shared proposal draft feedback positive concerns
  latency uptime support ticket escalated resolved roadmap feature request dashboard reporting analytics mobile offline sync backup audit
  compliance certificate travel insurance catering logistics freight customs energy solar turbine retail franchise clinic laboratory school
  university library museum theatre bakery brewery vineyard orchard forestry mining quarry steel copper aluminium textile leather ceramic
  glass paper printing packaging recycling plumbing roofing carpentry masonry landscaping architect surveyor notary translator interpreter
  photographer designer illustrator editor publisher journalist broadcaster musician sculptor zeppelin quartz obelisk juniper marzipan`);

/** What the many rare names and words are made of, beside those above, which are the common ones. */
export const SYLLABLES = split("ka lo mi ren tor vas bel dun fi gra hol jen kel mor nis pol quin ras sul tam");
export const NAMES = 3000;
export const VOCABULARY = 4000;

/** The name or word of a rank, as the fill makes it. */
export function rare(rank: number): string {
  return [1, 20, 400].map((step) => SYLLABLES[Math.floor(rank / step) % 20]).join("");
}
