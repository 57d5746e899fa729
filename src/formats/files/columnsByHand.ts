import { type KnownColumns, LAST_FIRST } from "./columnsOfPrograms.ts";

/** Names that people give, a field with its words in English, German, French, Spanish, Italian, Dutch and Portuguese. */
type Words = { readonly [field: string]: string };

const PLACE: Words = {
  street:
    "Street|Street #|Address|Address #|Street Address|Street Address #|Address Line #|Adresszusatz #|Complément d'adresse #|Straße|Strasse|Adresse|Anschrift|Rue|Calle|Dirección|Via|Indirizzo|Straat|Adres|Rua|Endereço",
  postal_code:
    "ZIP|ZIP Code|Postal Code|Postcode|Post Code|Postcode/ZIP|ZIP/Postcode|ZIP/Postal Code|ZIP or Postal Code|PLZ|Postleitzahl|Code postal|CP|Código postal|CAP|CEP",
  city: "City|Town|City/Town|Town/City|Ort|Stadt|Wohnort|Ville|Ciudad|Città|Plaats|Stad|Cidade",
  region: "Region|State|Province|State/Province|Bundesland|Région|Provincia|Estado|Regione|Provincie",
  country: "Country|Land|Pays|País|Paese",
};

const COMMON: Words = {
  owner:
    "Owner|Account Manager|Zuständig|Betreuer|Verantwortlich|Responsable|Propriétaire|Propietario|Responsabile|Eigenaar|Responsável",
  tags: "Tags|Tag|Labels|Label|Categories|Category|Keywords|Schlagworte|Schlagwörter|Kategorie|Kategorien|Étiquettes|Catégorie|Catégories|Etiquetas|Categoría|Etichette|Categoria",
  notes:
    "Notes|Note|Comments|Comment|Remarks|Description|Notiz|Notizen|Bemerkung|Bemerkungen|Kommentar|Anmerkungen|Remarques|Commentaire|Commentaires|Notas|Comentarios|Observaciones|Opmerkingen|Observações",
  phone:
    "Phone|Phone Number|Phone No|Mobile #|Tel #|Home Phone|Other Phone|Phone #|Telephone|Telephone Number|Tel|Mobile|Mobile Phone|Mobile Number|Mobile No|Cell|Cell Phone|Work Phone|Telefon|Telefonnummer|Tel.-Nr.|Rufnummer|Handy|Handynummer|Mobil|Mobilnummer|Mobiltelefon|Festnetz|Téléphone|Portable|Mobile Téléphone|Teléfono|Móvil|Celular|Telefono|Cellulare|Telefoon|Telefoonnummer|Mobiel|Telefone|Telemóvel",
};

const CONTACT: Words = {
  ...PLACE,
  ...COMMON,
  name: "Name|Full Name|Contact|Contact Name|Display Name|Person|Ansprechpartner|Kontakt|Nom complet|Nom et prénom|Nombre completo|Nombre y apellidos|Contacto|Nome completo|Contatto|Naam|Volledige naam",
  first_name: "First Name|Firstname|Given Name|Forename|Vorname|Prénom|Nombre|Nome|Voornaam|Primeiro nome",
  last_name:
    "Last Name|Lastname|Surname|Family Name|Nachname|Familienname|Zuname|Nom|Nom de famille|Apellido|Apellidos|Cognome|Achternaam|Sobrenome|Apelido",
  [LAST_FIRST]:
    "Last, First|Last Name, First Name|Name (Last, First)|Surname, Name|Nachname, Vorname|Name, Vorname|Nom, Prénom|Apellidos, Nombre|Cognome, Nome",
  middle_name: "Middle Name|Zweiter Vorname|Deuxième prénom|Segundo nombre",
  email:
    "Email|E-Mail|Mail|Email Address|E-Mail Address|E-mail #|Email Address #|Primary Email|Secondary Email|Other Email|Work Email|Email Work|E-Mail-Adresse|Mailadresse|Courriel|Adresse e-mail|Adresse électronique|Correo|Correo electrónico|Posta elettronica|E-mailadres|Endereço de e-mail",
  title:
    "Title|Job Title|Job|Job Role|Occupation|Position|Role|Function|Funktion|Stelle|Berufsbezeichnung|Poste|Fonction|Titre|Cargo|Puesto|Ruolo|Posizione|Functie|Função",
  company:
    "Company|Company Name|Organization|Organisation|Organization Name|Employer|Account|Firma|Firmenname|Unternehmen|Arbeitgeber|Société|Entreprise|Empresa|Compañía|Azienda|Società|Bedrijf|Bedrijfsnaam",
  company_domain: "Company Domain|Company Domain Name|Company Website",
  stage: "Stage|Status|Lead Status|Lifecycle Stage|Phase|Étape|Statut|Etapa|Estado del contacto|Stato|Fase",
  "custom.created": "Created|Created time|Created at|Date created|Erstellt am",
  "custom.modified": "Last edited time|Last modified|Last modified time|Updated at",
  "custom.attachments": "Attachments",
  "custom.website": "Website|Web|URL|Homepage|Webseite|Site web|Sitio web|Sito web",
  "custom.linkedin": "LinkedIn|LinkedIn URL|LinkedIn Profile",
  "custom.department": "Department|Abteilung|Service|Département|Departamento|Reparto|Afdeling",
  "custom.birthday":
    "Birthday|Date of Birth|Birthdate|Geburtstag|Geburtsdatum|Date de naissance|Fecha de nacimiento|Data di nascita|Geboortedatum",
  "custom.salutation": "Salutation|Anrede|Civilité|Tratamiento|Titolo|Aanhef",
  follow_up_at:
    "Follow-up|Follow-up Date|Next Contact|Next Call|Call Back|Nächster Anruf|Nächster Kontakt|Rückruf|Wiedervorlage|Relance|Prochain appel|Seguimiento|Próxima llamada",
};

const COMPANY: Words = {
  ...PLACE,
  ...COMMON,
  name: "Name|Company|Company Name|Organization|Organisation|Account|Firma|Firmenname|Unternehmen|Nom|Société|Entreprise|Raison sociale|Nombre|Empresa|Compañía|Razón social|Azienda|Ragione sociale|Bedrijf|Bedrijfsnaam|Naam|Nome",
  domain: "Domain|Domain Name|Website|Web|URL|Homepage|Webseite|Site web|Domaine|Sitio web|Dominio|Sito web",
  industry: "Industry|Sector|Branche|Secteur|Secteur d'activité|Industria|Settore|Setor",
  tax_id: "Tax ID|VAT|VAT Number|VAT ID|USt-IdNr.|UID|Numéro de TVA|TVA|NIF|CIF|Partita IVA|P. IVA|BTW-nummer",
};

const DEAL: Words = {
  owner: COMMON["owner"]!,
  tags: COMMON["tags"]!,
  notes: COMMON["notes"]!,
  title:
    "Title|Name|Deal|Deal Name|Opportunity|Project|Titel|Bezeichnung|Projekt|Titre|Nom|Affaire|Opportunité|Título|Nombre|Oportunidad|Negocio|Titolo|Opportunità",
  amount:
    "Amount|Value|Deal Value|Price|Revenue|Betrag|Wert|Summe|Umsatz|Auftragswert|Montant|Valeur|Importe|Monto|Valor|Importo|Valore|Bedrag|Waarde",
  currency: "Currency|Währung|Devise|Moneda|Divisa|Valuta|Moeda",
  stage: "Stage|Deal Stage|Phase|Stufe|Étape|Etapa|Fase",
  status: "Status|Outcome|Statut|Estado|Stato",
  close_date:
    "Close Date|Closing Date|Expected Close|Expected Close Date|Abschluss|Abschlussdatum|Date de clôture|Fecha de cierre|Data di chiusura",
  probability: "Probability|Probability (%)|Wahrscheinlichkeit|Probabilité|Probabilidad|Probabilità",
  contact: "Contact|Contact Name|Person|Contact Person|Customer|Kontakt|Ansprechpartner|Kunde|Client|Contacto|Cliente|Contatto",
  company: CONTACT["company"]!,
};

const TASK: Words = {
  title: "Title|Task|Subject|To do|Todo|Titel|Aufgabe|Betreff|Tâche|Sujet|Título|Tarea|Asunto|Attività|Taak",
  due_at:
    "Due|Due Date|Due At|Deadline|Fällig|Fällig am|Fälligkeit|Frist|Échéance|Date d'échéance|Vencimiento|Fecha límite|Scadenza|Vervaldatum",
  done: "Done|Completed|Complete|Erledigt|Fertig|Fait|Terminé|Hecho|Completada|Fatto|Klaar",
  assignee: `Assignee|Assigned To|Zugewiesen an|Assigné à|Asignado a|Assegnato a|${COMMON["owner"]}`,
  tags: COMMON["tags"]!,
  notes: COMMON["notes"]!,
  contact: DEAL["contact"]!,
  company: CONTACT["company"]!,
};

const PRICED: Words = {
  tags: COMMON["tags"]!,
  notes: COMMON["notes"]!,
  name: "Name|Title|Product|Service|Article|Item|Description|Bezeichnung|Artikel|Produkt|Leistung|Nom|Produit|Désignation|Nombre|Producto|Nome|Prodotto|Naam|Produto",
  sku: "SKU|Article Number|Article No|Item Number|Product Code|Artikelnummer|Art.-Nr.|Référence|Referencia|Codice|Código",
  unit_price:
    "Price|Unit Price|Net Price|List Price|Preis|Einzelpreis|Nettopreis|Stückpreis|Prix|Prix unitaire|Precio|Precio unitario|Prezzo|Prezzo unitario|Prijs|Preço",
  currency: DEAL["currency"]!,
  unit: "Unit|Unit of Measure|Einheit|Unité|Unidad|Unità|Eenheid|Unidade",
  tax_rate: "Tax Rate|Tax|VAT|VAT Rate|Steuersatz|MwSt|MwSt-Satz|USt|Taux de TVA|TVA|IVA|BTW",
};

const PAYMENT: Words = {
  notes: COMMON["notes"]!,
  reference: "Reference|Purpose|Payment Reference|Verwendungszweck|Referenz|Libellé|Concepto|Causale|Omschrijving",
  amount: DEAL["amount"]!,
  currency: DEAL["currency"]!,
  paid_on: "Date|Payment Date|Paid|Paid At|Booking Date|Datum|Buchungstag|Buchungsdatum|Zahlungsdatum|Fecha|Data",
  method: "Method|Payment Method|Zahlungsart|Mode de paiement|Forma de pago|Metodo",
};

const fieldOfEach = (words: Words) =>
  Object.fromEntries(Object.entries(words).flatMap(([field, names]) => names.split("|").map((name) => [name, field])));

export const COLUMNS_BY_HAND: readonly KnownColumns[] = [
  { program: "by hand", kind: "contact", columns: fieldOfEach(CONTACT) },
  { program: "by hand", kind: "company", columns: fieldOfEach(COMPANY) },
  { program: "by hand", kind: "deal", columns: fieldOfEach(DEAL) },
  { program: "by hand", kind: "task", columns: fieldOfEach(TASK) },
  { program: "by hand", kind: "product", columns: fieldOfEach(PRICED) },
  { program: "by hand", kind: "service", columns: fieldOfEach(PRICED) },
  { program: "by hand", kind: "payment", columns: fieldOfEach(PAYMENT) },
];
