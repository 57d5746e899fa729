/** Templates that are taken. */

export const SCRIPT_EXAMPLE = {
  name: "First call",
  steps: [
    { id: "hello", type: "instruction", text: "Bonjour, je vous appelle au sujet de votre toiture." },
    {
      id: "owner",
      type: "yesno",
      text: "Êtes-vous propriétaire ?",
      branches: [
        {
          label: "Oui",
          steps: [
            {
              id: "roof",
              type: "select",
              text: "Quel type de toit ?",
              options: ["Tuiles", "Ardoise", "Plat"],
              branches: [{ label: "Plat", steps: [{ id: "surface", type: "question", text: "Quelle surface ?" }] }],
            },
          ],
        },
        { label: "Non", next: "end" },
      ],
    },
  ],
};

export const FORM_EXAMPLE = {
  name: "First qualification",
  questions: [
    { id: "budget", type: "number", label: "Budget in EUR", min: 0 },
    { id: "when", type: "choice", label: "When?", options: ["now", "this year", "later"], required: true },
  ],
};
