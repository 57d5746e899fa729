import type { Call, Dialect, Phrase } from "../dialect.ts";
import { change, create, list, one, remove, restore, WRITES } from "../verbs.ts";
import { ACTIVITY_PARAMETERS, activity, entry } from "./activity.ts";
import { addMember, listMembers, MEMBER_PARAMETERS, removeMember as removeListMember } from "./listMembers.ts";
import * as lists from "./lists.ts";
import { accept, invite, members, removeMember } from "./members.ts";
import { readQuery } from "./query.ts";
import { schema, tables } from "./schema.ts";
import { envelope, refusal } from "./shape.ts";
import { connection, query } from "./sql.ts";
import { TABLES } from "./tables.ts";
import { claim, facts, openWorkspace, rotate } from "./workspaces.ts";

const isHard = ({ parameters }: Call) => parameters.some(([name, value]) => name === "hard" && value !== "false");

const phrases: readonly Phrase[] = [
  {
    method: "POST",
    path: "/workspaces",
    about: "a workspace and its key, without an account",
    open: "or with a token",
    takes: [],
    answer: openWorkspace,
  },
  { method: "POST", path: "/claim/{claim}", about: "become its owner, by claim_url", takes: ["code"], answer: claim },
  { method: "POST", path: "/keys/rotate", about: "a new key; the old one ends", takes: ["ws", "code"], answer: rotate },
  { method: "POST", path: "/sql", about: "one query that reads", takes: ["limit"], answer: query },
  { method: "POST", path: "/connection", about: "a PostgreSQL address that reads", takes: ["ws"], answer: connection },
  { method: "GET", path: "/tables", about: "the tables of the workspace", takes: [], answer: tables },
  { method: "GET", path: "/schema", about: "tables, columns, keys: what joins need", takes: [], answer: schema },
  {
    method: "GET",
    path: "/activity",
    about: "the feed of changes, newest first",
    takes: ACTIVITY_PARAMETERS,
    answer: activity,
  },
  { method: "GET", path: "/members", about: "the members of a workspace", takes: ["ws"], answer: members },
  { method: "DELETE", path: "/members", about: "remove a member", takes: ["ws", "user_id"], answer: removeMember },
  { method: "POST", path: "/members/invite", about: "invite somebody", takes: ["ws", "code"], answer: invite },
  { method: "POST", path: "/members/accept/{token}", about: "a key for who was invited", takes: ["code"], answer: accept },
  { method: "GET", path: "/activity/{id}", about: "one entry of it", takes: [], answer: entry },
  { method: "GET", path: "/lists", about: "the saved lists, filtered by column", answer: lists.lists },
  { method: "GET", path: "/lists/search", about: "lists whose name or description has a text", answer: lists.lists },
  { method: "POST", path: "/lists", about: "save a list, dynamic or static", takes: [], answer: lists.createList },
  { method: "GET", path: "/lists/{id}", about: "one list", takes: ["include_deleted"], answer: lists.list },
  { method: "PATCH", path: "/lists/{id}", about: "change a list", takes: [], answer: lists.changeList },
  {
    method: "DELETE",
    path: "/lists/{id}",
    about: "delete a list; its records stay",
    takes: ["hard"],
    answer: (call) => lists.removeList(call, isHard(call)),
  },
  { method: "POST", path: "/lists/{id}/restore", about: "undo its deletion", takes: [], answer: lists.restoreList },
  { method: "GET", path: "/lists/{id}/rows", about: "the rows of a list; columns=name,company.name picks", answer: lists.rows },
  { method: "POST", path: "/lists/{id}/members", about: "put records on a static list", takes: [], answer: addMember },
  {
    method: "DELETE",
    path: "/lists/{id}/members/{member}",
    about: "take a record off it",
    takes: [],
    answer: removeListMember,
  },
  {
    method: "GET",
    path: "/list_members",
    about: "which records are on which static lists",
    takes: MEMBER_PARAMETERS,
    answer: listMembers,
  },
  { method: "GET", path: "/{table}", about: "rows, filtered by column", answer: list },
  { method: "POST", path: "/{table}", about: "create; 409 on a taken value", takes: WRITES, answer: create },
  { method: "GET", path: "/{table}/search", about: "rows that words find, best first", answer: list },
  {
    method: "GET",
    path: "/{table}/{id}",
    about: "one row with what it is related to",
    takes: ["include_deleted"],
    answer: one,
  },
  { method: "PATCH", path: "/{table}/{id}", about: "change columns; custom merges", takes: WRITES, answer: change },
  {
    method: "DELETE",
    path: "/{table}/{id}",
    about: "delete at once; hard=true for good",
    takes: ["hard", ...WRITES],
    answer: (call) => remove(call, isHard(call)),
  },
  { method: "POST", path: "/{table}/{id}/restore", about: "undo a deletion", takes: WRITES, answer: restore },
];

export const agentCrm: Dialect = {
  name: "agentCRM",
  base: "/v1",
  tables: TABLES,
  other: ({ plural }) => ({ name: plural }),
  spell: (ours) => ours,
  hidden: ["handle", "version"],
  linkNames: false,
  showsAll: false,
  readQuery,
  envelope,
  refusal,
  facts,
  phrases,
};
